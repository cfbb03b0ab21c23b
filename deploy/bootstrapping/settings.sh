# shellcheck shell=bash
# Settings that must be made before functions start, in the file where `firebase deploy` looks for them.

settings=${BOOTSTRAP_SETTINGS:-deploy/settings}

setting_of() { # NAME: its value in the project's file, or else in the one for all projects
  { cat "$settings/.env" "$settings/.env.$project" 2>/dev/null || true; } |
    sed -n "s/^ *\(export \)\{0,1\}$1 *= *[\"']\{0,1\}\([^\"' #]*\).*/\2/p" | tail -n 1
}

choose_allowance() { # sets `allowance`: what was given, or is set already, or somebody answers
  [ -n "$allowance" ] || allowance=$(setting_of DEFAULT_ALLOWANCE)
  if [ -z "$allowance" ]; then
    [ -z "$yes" ] || fail "What a new user may spend on models is not set, and functions do not start without it" \
      "Pass --default-allowance DOLLARS, a month's."
    read -rp "  What may a new user spend on models in a month, in US dollars? " allowance || true
  fi
  [[ $allowance =~ $amount ]] || fail "${allowance:-Nothing} is no amount of dollars" "As in 20, or 7.50."
}

write_allowance() {
  local file=$settings/.env.$project kept
  step "The allowance of new users"
  if [ -n "$dry_run" ]; then
    # shellcheck disable=SC2016 # the shell that it is pasted into reads it
    kept='${DEFAULT_ALLOWANCE:?in US dollars a month}'
    printf 'echo "DEFAULT_ALLOWANCE=%s" >> %q\n' "${allowance:-$kept}" "$file"
  elif [ "$(setting_of DEFAULT_ALLOWANCE)" != "$allowance" ]; then
    kept=$(sed '/^ *\(export \)\{0,1\}DEFAULT_ALLOWANCE *=/d' "$file" 2>/dev/null || true)
    printf '%s%s\n' "${kept:+$kept$'\n'}" "DEFAULT_ALLOWANCE=$allowance" >"$file"
    printf '  + DEFAULT_ALLOWANCE=%s, in %s; commit it, as Cloud Build deploys what is committed\n' "$allowance" "$file"
  fi
}
