# shellcheck shell=bash
# APIs, database, queue, the scheduler's job, and the image repository.

enable_apis() {
  step "APIs"
  local enabled missing="" api
  enabled=$(query gcloud services list --enabled --project="$project" --format='value(config.name)')
  for api in $apis; do
    has "$enabled" "$api.googleapis.com" || missing="$missing $api.googleapis.com"
  done
  # shellcheck disable=SC2086
  set -- $missing
  while [ $# -gt 0 ]; do # gcloud accepts at most twenty at a time
    local batch=("${@:1:20}")
    change gcloud services enable "${batch[@]}" --project="$project"
    shift "${#batch[@]}"
  done
}

make_database() {
  step "Firestore (its TTL policies take minutes)"
  local databases schedules fields field name=projects/$project/databases/'(default)'
  local guards=pointInTimeRecoveryEnablement,deleteProtectionState
  databases=$(query gcloud firestore databases list --project="$project" \
    --format="value[separator=' '](name,type,$guards)")
  if has "$databases" "$name FIRESTORE_NATIVE POINT_IN_TIME_RECOVERY_ENABLED DELETE_PROTECTION_ENABLED"; then
    :
  elif [[ $databases == *"$name FIRESTORE_NATIVE "* ]]; then
    change gcloud firestore databases update --project="$project" --database='(default)' \
      --delete-protection --enable-pitr
  elif [[ $databases == *"$name DATASTORE_MODE "* ]]; then
    fail "The database of $project is in Datastore mode" "Use another project, because the mode of a database cannot be changed."
  else
    change gcloud firestore databases create --project="$project" --database='(default)' --location="$location" \
      --type=firestore-native --delete-protection --enable-pitr
  fi
  schedules=$(query gcloud firestore backups schedules list --project="$project" --database='(default)' \
    --format='value(name)')
  if [ -z "$schedules" ]; then
    change gcloud firestore backups schedules create --project="$project" --database='(default)' \
      --recurrence=daily --retention=7d
  fi
  fields=$(query gcloud firestore fields ttls list --project="$project" --database='(default)' --format='value(name)')
  for field in $ttl_fields; do # waits for each policy, because `firebase deploy` sets the same ones and must find them complete
    has "$fields" "$name/collectionGroups/${field%/*}/fields/${field#*/}" ||
      change gcloud firestore fields ttls update "${field#*/}" --project="$project" --database='(default)' \
        --collection-group="${field%/*}" --enable-ttl
  done
}

make_queue() {
  step "The queue for the worker"
  local yaml=functions/worker/functions.yaml expected found
  local attempts duration min_backoff max_backoff doublings dispatches
  attempts=$(setting $yaml maxAttempts)
  duration=$(setting $yaml maxRetrySeconds)s
  min_backoff=$(setting $yaml minBackoffSeconds)s
  max_backoff=$(setting $yaml maxBackoffSeconds)s
  doublings=$(setting $yaml maxDoublings)
  dispatches=$(setting $yaml maxConcurrentDispatches)
  expected="$attempts $duration $min_backoff $max_backoff $doublings $dispatches"
  local retries="retryConfig.maxAttempts,retryConfig.maxRetryDuration,retryConfig.minBackoff,retryConfig.maxBackoff"
  local limits="retryConfig.maxDoublings,rateLimits.maxConcurrentDispatches"
  found=$(query gcloud tasks queues list --project="$project" --location="$region" --filter='name ~ /queues/worker$' \
    --format="value[separator=' '](state,$retries,$limits)")
  set -- worker --project="$project" --location="$region" --max-attempts="$attempts" --max-retry-duration="$duration" \
    --min-backoff="$min_backoff" --max-backoff="$max_backoff" --max-doublings="$doublings" \
    --max-concurrent-dispatches="$dispatches"
  if [ -z "$found" ]; then
    change gcloud tasks queues create "$@"
  elif [ "${found#* }" != "$expected" ]; then
    change gcloud tasks queues update "$@"
  fi
  # An operator may have paused the queue on purpose: docs/guides/operations.md.
  case $found in PAUSED* | DISABLED*) echo "  The queue is ${found%% *} and stays ${found%% *}" ;; esac
}

make_schedule() {
  step "The scheduler job for the sweep, every minute"
  local url="https://$region-$project.cloudfunctions.net/sweep" found
  local invoker token=httpTarget.oidcToken.serviceAccountEmail,httpTarget.oidcToken.audience
  invoker=$(account "$scheduler_invoker")
  found=$(query gcloud scheduler jobs list --project="$project" --location="$region" --filter='name ~ /jobs/sweep$' \
    --format="value[separator=' '](httpTarget.uri,$token,attemptDeadline,schedule)")
  set -- sweep --project="$project" --location="$region" --schedule='* * * * *' --time-zone=Etc/UTC --uri="$url" \
    --http-method=POST --oidc-service-account-email="$invoker" --oidc-token-audience="$url" --attempt-deadline=300s
  if [ -z "$found" ]; then
    change gcloud scheduler jobs create http "$@"
  elif [ "$found" != "$url $invoker $url 300s * * * * *" ]; then
    change gcloud scheduler jobs update http "$@"
  fi
}

make_repository() {
  step "The image repository, which keeps images for a week"
  local existing
  existing=$(query gcloud artifacts repositories list --project="$project" --location="$region" \
    --format='value(name.basename())')
  has "$existing" "$repository" ||
    change gcloud artifacts repositories create "$repository" --project="$project" --location="$region" \
      --repository-format=docker
  # Without such a policy, firebase-tools asks for one, and fails if there is no terminal.
  change gcloud artifacts repositories set-cleanup-policies "$repository" --project="$project" --location="$region" \
    --policy=deploy/artifact-cleanup.json --no-dry-run
}
