# shellcheck shell=bash
# Writes the settings that functions need to start to the file that `firebase deploy` reads.

settings=${BOOTSTRAP_SETTINGS:-deploy/settings}

setting_of() { # NAME: prints its value from the project's file or, if it is not there, from the file for all projects
  { cat "$settings/.env" "$settings/.env.$project" 2>/dev/null || true; } |
    sed -n "s/^ *\(export \)\{0,1\}$1 *= *[\"']\{0,1\}\([^\"' #]*\).*/\2/p" | tail -n 1
}

choose_allowance() { # sets `allowance` from the option, the file, or the user's answer
  [ -n "$allowance" ] || allowance=$(setting_of DEFAULT_ALLOWANCE)
  if [ -z "$allowance" ]; then
    [ -z "$yes" ] || fail "DEFAULT_ALLOWANCE is not set, and functions do not start without it" \
      "Pass --default-allowance DOLLARS with a new user's monthly allowance for models."
    read -rp "  How much may a new user spend on models per month, in US dollars? " allowance || true
  fi
  [[ $allowance =~ $amount ]] || fail "${allowance:-An empty line} is not an amount in dollars" "Examples are 20 and 7.50."
}

write_allowance() {
  local file=$settings/.env.$project placeholder other_lines
  step "The allowance of new users"
  if [ -n "$dry_run" ]; then
    # shellcheck disable=SC2016 # the shell into which the output is pasted expands it
    placeholder='${DEFAULT_ALLOWANCE:?in US dollars a month}'
    printf 'echo "DEFAULT_ALLOWANCE=%s" >> %q\n' "${allowance:-$placeholder}" "$file"
  elif [ "$(setting_of DEFAULT_ALLOWANCE)" != "$allowance" ]; then
    other_lines=$(sed '/^ *\(export \)\{0,1\}DEFAULT_ALLOWANCE *=/d' "$file" 2>/dev/null || true)
    printf '%s%s\n' "${other_lines:+$other_lines$'\n'}" "DEFAULT_ALLOWANCE=$allowance" >"$file"
    printf '  + DEFAULT_ALLOWANCE=%s, in %s. Commit this file: Cloud Build deploys only committed files\n' "$allowance" "$file"
  fi
}
