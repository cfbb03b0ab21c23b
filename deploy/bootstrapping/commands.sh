# shellcheck shell=bash
# How commands are told, and run or, in a dry run, printed; and what is read from functions.yaml.

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
  fail "That command failed" "What it said is above. Mend it, and run this again: it goes on there."
}

asked() { # the output of a command that only looks; nothing in a dry run
  [ -n "$dry_run" ] || "$@" || fail "That could not be looked up: $(quoted "$@")" "What gcloud said is above."
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

secrets_of() { # FILE...: which the functions' code reads
  sed -n 's/^ *- { key: \([A-Z_]*\) }.*/\1/p' "$@" | sort -u
}
