# shellcheck shell=bash
# Functions that run and report commands, or only print them in a dry run, and that read values from functions.yaml.

fail() { # WHAT REMEDY
  printf '\n✗ %s.\n  %s\n' "$1" "$2" >&2
  exit 1
}

step() {
  if [ -n "$dry_run" ]; then printf '\n# %s\n' "$1"; else printf '· %s\n' "$1"; fi
}

quote() { # prints the command as a shell reads it; the variables that a dry run defines are not quoted
  printf '%q' "$1"
  if [ $# -gt 1 ]; then printf ' %q' "${@:2}"; fi |
    sed -e 's/\\\$\(PROJECT_NUMBER\)/"$\1"/g' -e 's/\\\$\(CHANNEL\)/"$\1"/g'
}

one_line() {
  printf '%s' "$1" | tr -s '\n ' ' '
}

change() { # runs a command that changes something; in a dry run, prints it
  if [ -n "$dry_run" ]; then
    quote "$@"
    echo
    return
  fi
  printf '  + %s\n' "$(quote "$@")"
  "$@" >/dev/null || report_failure
}

report_failure() {
  fail "That command failed" "Its output is above. Fix the problem, and run this script again to continue."
}

query() { # prints the output of a command that only reads, or nothing in a dry run
  [ -n "$dry_run" ] || "$@" || fail "This command failed: $(quote "$@")" "Its output is above."
}

has() { # LINES LINE: whether LINE is one of LINES
  [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]
}

account() { # NAME: prints the account's address
  echo "$1@$project.iam.gserviceaccount.com"
}

setting() { # FILE KEY: prints a value from a functions.yaml
  sed -n "s/^ *$2: *\[\{0,1\}\([^] #]*\).*/\1/p" "$1"
}

functions() {
  local file
  for file in functions/*/functions.yaml; do basename "$(dirname "$file")"; done
}

secrets_of() { # FILE...: prints the secrets that the functions read
  sed -n 's/^ *- { key: \([A-Z_]*\) }.*/\1/p' "$@" | sort -u
}
