# shellcheck shell=bash
# Creates the keys and the password in Secret Manager, and grants access to the functions that read them.

make_secrets() {
  step "Secrets"
  local existing secret filled=""
  existing=$(query gcloud secrets list --project="$project" --format='value(name.basename())')
  for secret in $secrets; do
    [ "$secret" != "$names_of_keys" ] || continue
    make_secret "$secret"
    fill_secret "$secret"
    grant_access "$secret"
  done
  make_secret "$names_of_keys" # last, because it contains the names of the keys that have a value
  name_keys
  grant_access "$names_of_keys"
}

make_secret() { # NAME
  has "$existing" "$1" || change gcloud secrets create "$1" --project="$project" --replication-policy=automatic
}

grant_access() { # SECRET: grants access to the functions whose functions.yaml names it
  local name
  for name in $(functions); do
    if has "$(secrets_of "functions/$name/functions.yaml")" "$1"; then
      grant secrets "$1" secretmanager.secretAccessor "$(account "fn-${name//_/-}")"
    fi
  done
}

fill_secret() { # NAME: stores the first value, or the environment's value if it differs, and adds NAME to `filled`
  local secret=$1 value=${!1-} newest current
  if [ -n "$dry_run" ]; then
    add_version "$secret"
    return
  fi
  newest=$(newest_version "$secret")
  if [ -z "$newest" ]; then
    if [ -z "$value" ] && [ -z "$yes" ]; then
      read -rsp "  $secret (may be empty): " value || true
      echo
    fi
    add_version "$secret" "$value"
  elif [ -n "$value" ]; then
    current=$(value_of "$secret" "$newest")
    [ "$value" = "$current" ] || add_version "$secret" "$value"
  else
    [ "${newest#* }" = ENABLED ] ||
      fail "The newest version of the secret $secret is ${newest#* }, and functions read only the newest" \
        "Set $secret and run this again, or run \`gcloud secrets versions enable ${newest% *} --secret=$secret\`."
    if has "$keys" "$secret"; then value=$(value_of "$secret" "$newest"); fi
  fi
  ! [[ $value =~ [^[:space:]] ]] || filled="$filled $secret"
}

name_keys() { # stores the names of the keys that have a value, for functions that do not need the keys
  local secret names="" newest current
  if [ -n "$dry_run" ]; then
    # shellcheck disable=SC2016 # the shell into which the output is pasted expands it
    printf '%s=$(for NAME in %s; do [ -z "${!NAME-}" ] || echo "$NAME"; done | paste -sd , -)\n' \
      "$names_of_keys" "$(one_line "$keys")"
    add_version "$names_of_keys"
    return
  fi
  for secret in $filled; do
    ! has "$keys" "$secret" || names="$names${names:+,}$secret"
  done
  newest=$(newest_version "$names_of_keys")
  current=$(value_of "$names_of_keys" "$newest")
  [[ $newest == *" ENABLED" && $names = "$current" ]] || add_version "$names_of_keys" "$names"
}

newest_version() { # SECRET: prints NUMBER STATE, or nothing if there is no version
  query gcloud secrets versions list "$1" --project="$project" --sort-by='~createTime' --limit=1 \
    --format='value[separator=" "](name.basename(),state)'
}

value_of() { # SECRET NEWEST: prints the value of the newest version, if it is enabled
  case $2 in *" ENABLED") query gcloud secrets versions access latest --secret="$1" --project="$project" ;; esac
}

add_version() { # SECRET [VALUE]: in a dry run, the value comes from the variable of the same name
  # A built-in writes the value to a pipe, so no command line contains it. Secret Manager refuses an empty value.
  set -- "$1" "${2-}" gcloud secrets versions add "$1" --project="$project" --data-file=-
  if [ -n "$dry_run" ]; then
    printf '%s <<< "$%s"\n' "$(quote "${@:3}")" "{$1-}"
    return
  fi
  printf '  + %s\n' "$(quote "${@:3}")"
  printf '%s\n' "$2" | "${@:3}" >/dev/null || report_failure
}
