# shellcheck shell=bash
# Service accounts and their roles.

policy="" policy_of=""

make_accounts() {
  step "Service accounts"
  accounts=$(query gcloud iam service-accounts list --project="$project" --format='value(email)')
  local name
  for name in $(functions); do make_account "fn-${name//_/-}" "The function $name"; done
  make_account "$task_invoker" "Calls the worker for the queue"
  make_account "$scheduler_invoker" "Calls the sweep for the scheduler"
  make_account "$deployer" "Deploys, from Cloud Build"
}

make_account() { # NAME DISPLAY_NAME
  has "$accounts" "$(account "$1")" ||
    change gcloud iam service-accounts create "$1" --project="$project" --display-name="$2"
}

grant_roles() {
  step "Roles of the accounts"
  local name role roles
  for name in $(functions); do
    roles=$(roles_of_function "$name")
    for role in $roles; do grant projects "$project" "$role" "$(account "fn-${name//_/-}")"; done
  done
  for role in $deployer_roles; do grant projects "$project" "$role" "$(account "$deployer")"; done
  local builder="$number-compute@developer.gserviceaccount.com"
  grant projects "$project" cloudbuild.builds.builder "$builder" # this account builds the functions' images
  for name in chat deployments mcp openai runs sweep worker; do # their tasks name the account whose token the queue sends
    grant "iam service-accounts" "$(account "$task_invoker")" iam.serviceAccountUser "$(account "fn-${name//_/-}")"
  done
  for name in $(functions); do
    grant "iam service-accounts" "$(account "fn-${name//_/-}")" iam.serviceAccountUser "$(account "$deployer")"
  done
  grant "iam service-accounts" "$builder" iam.serviceAccountUser "$(account "$deployer")"
  local old="$project@appspot.gserviceaccount.com" # if it exists, firebase-tools requires this role
  if has "$accounts" "$old"; then
    grant "iam service-accounts" "$old" iam.serviceAccountUser "$(account "$deployer")"
  fi
  # Outside an organization, Google grants its default accounts the role Editor, and `deployer` may act as them.
  read_policy projects "$project"
  remove_editor "$builder"
  [ -n "$dry_run" ] || remove_editor "$old"
}

grant() { # KIND RESOURCE ROLE ACCOUNT, as in: grant "iam service-accounts" EMAIL run.invoker ACCOUNT
  local kind=$1 resource=$2 role=roles/$3 member=serviceAccount:$4
  [ "$policy_of" = "$kind $resource" ] || read_policy "$kind" "$resource"
  if ! has "$policy" "$role $member"; then
    # shellcheck disable=SC2086
    retry gcloud $kind add-iam-policy-binding "$resource" --project="$project" \
      --member="$member" --role="$role" --condition=None
  fi
}

retry() { # runs a command several times, because a new account is not visible everywhere immediately
  local tries=4 output
  if [ -z "$dry_run" ]; then
    while [ "$tries" -gt 0 ]; do
      if output=$("$@" 2>&1 >/dev/null); then
        printf '  + %s\n' "$(quote "$@")"
        return
      fi
      case $output in *PERMISSION_DENIED* | *"does not have permission"*) break ;; esac
      sleep "${BOOTSTRAP_PAUSE_SECONDS:-8}"
      tries=$((tries - 1))
    done
  fi
  change "$@"
}

read_policy() { # KIND RESOURCE: sets `policy` to lines ROLE MEMBER, without conditional bindings
  # shellcheck disable=SC2086 # the kind is one or more words
  policy=$(query gcloud $1 get-iam-policy "$2" --project="$project" --flatten='bindings[].members' \
    --filter='NOT bindings.condition:*' --format='value[separator=" "](bindings.role,bindings.members)')
  policy_of="$1 $2"
}

remove_editor() { # ACCOUNT: removes the account's role Editor on the project
  set -- gcloud projects remove-iam-policy-binding "$project" --member="serviceAccount:$1" --role=roles/editor \
    --condition=None
  if [ -n "$dry_run" ]; then
    echo "$(quote "$@") || true"
  elif has "$policy" "roles/editor ${5#--member=}"; then
    change "$@"
  fi
}
