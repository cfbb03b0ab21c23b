# shellcheck shell=bash
# Reports commands and runs them or, in a dry run, prints them; reads values from functions.yaml.

fail() { # WHAT REMEDY
  printf '\n✗ %s.\n  %s\n' "$1" "$2" >&2
  exit 1
}

step() {
  if [ -n "$dry_run" ]; then printf '\n# %s\n' "$1"; else printf '· %s\n' "$1"; fi
}

quoted() { # the command as a shell reads it; variables of a dry run stay variables
  printf '%q' "$1"
  if [ $# -gt 1 ]; then printf ' %q' "${@:2}"; fi |
    sed -e 's/\\\$\(PROJECT_NUMBER\)/"$\1"/g' -e 's/\\\$\(CHANNEL\)/"$\1"/g'
}

one_line() {
  printf '%s' "$1" | tr -s '\n ' ' '
}

change() { # runs a command that changes something, or prints it
  if [ -n "$dry_run" ]; then
    quoted "$@"
    echo
    return
  fi
  printf '  + %s\n' "$(quoted "$@")"
  "$@" >/dev/null || failed
}

failed() {
  fail "That command failed" "Its output is above. Fix the problem, and run this again to continue."
}

ask() { # the output of a command that only reads; nothing in a dry run
  [ -n "$dry_run" ] || "$@" || fail "This command failed: $(quoted "$@")" "Its output is above."
}

has() { # LINES LINE
  [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]
}

account() { # NAME: its address
  echo "$1@$project.iam.gserviceaccount.com"
}

setting() { # FILE KEY: a value of a functions.yaml
  sed -n "s/^ *$2: *\[\{0,1\}\([^] #]*\).*/\1/p" "$1"
}

functions() {
  local file
  for file in functions/*/functions.yaml; do basename "$(dirname "$file")"; done
}

secrets_of() { # FILE...: the secrets that the functions read
  sed -n 's/^ *- { key: \([A-Z_]*\) }.*/\1/p' "$@" | sort -u
}
