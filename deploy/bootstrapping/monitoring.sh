# shellcheck shell=bash
# Metrics, alerts with their notification channels, and the dashboard.

make_monitoring() {
  step "Monitoring: log-based metrics"
  local existing file name channel="" on_call id
  existing=$(query gcloud logging metrics list --project="$project" --format='value(name)')
  for file in deploy/monitoring/log-metrics/*.yaml; do
    name=$(basename "$file" .yaml)
    if has "$existing" "$name"; then set -- update; else set -- create; fi
    change gcloud logging metrics "$1" "$name" --project="$project" --config-from-file="$file"
  done
  step "Monitoring: alerts"
  on_call=$(query gcloud beta monitoring channels list --project="$project" \
    --filter="displayName=\"$channel_name\"" --format='value[separator=" "](name,labels.email_address)')
  [ -z "$email" ] || find_channel "$on_call"
  on_call=$(join_with_commas "$channel" "$(cut -d ' ' -f 1 <<<"$on_call")")
  existing=$(query gcloud alpha monitoring policies list --project="$project" \
    --format='value[separator="|"](name,enabled,notificationChannels.list(),displayName)')
  for file in deploy/monitoring/alerts/*.yaml; do
    make_alert "$file" "$(line_of "$existing" "$(display_name "$file")")" "$channel" "$on_call"
  done
  step "Monitoring: the dashboard"
  existing=$(query gcloud monitoring dashboards list --project="$project" \
    --format='value[separator="|"](name,displayName)')
  id=$(line_of "$existing" Agents)
  id=${id%%|*}
  if [ -z "$id" ]; then
    change gcloud monitoring dashboards create --project="$project" --config-from-file=deploy/monitoring/dashboard.json
  else
    update_dashboard "$id"
  fi
}

display_name() { # FILE: prints the display name of an alert
  sed -n 's/^displayName: //p' "$1"
}

line_of() { # LINES DISPLAY_NAME: prints the line that ends with the name
  local line
  while IFS= read -r line; do
    if [ "${line#*|}" != "$line" ] && [ "${line##*|}" = "$2" ]; then
      echo "$line"
      return
    fi
  done <<<"$1"
}

join_with_commas() { # NAMES...: prints each name once; every argument may have several lines
  printf '%s\n' "$@" | sed '/^$/d' | sort -u | paste -sd , -
}

find_channel() { # LINES of NAME ADDRESS: sets `channel` to the channel of $email, and creates it if necessary
  local line
  while IFS= read -r line; do
    if [ "${line#* }" = "$email" ]; then
      channel=${line%% *}
      return
    fi
  done <<<"$1"
  set -- gcloud beta monitoring channels create --project="$project" --display-name="$channel_name" --type=email \
    --channel-labels=email_address="$email" --format='value(name)'
  if [ -n "$dry_run" ]; then
    echo "CHANNEL=\$($(quote "$@"))"
    channel="\$CHANNEL"
    return
  fi
  printf '  + %s\n' "$(quote "$@")"
  channel=$("$@") || report_failure
  [ -n "$channel" ] || fail "gcloud did not print the name of the channel that it created" "Run this script again. It will look up the name."
}

make_alert() { # FILE LINE CHANNEL ON_CALL: LINE is NAME|ENABLED|CHANNELS|DISPLAY_NAME of the existing policy, or empty
  local name enabled channels arguments=(--project="$project" --policy-from-file="$1")
  IFS='|' read -r name enabled channels _ <<<"$2"
  if [ -n "$name" ]; then # without these arguments, the update would enable the policy and remove its channels
    channels=$(join_with_commas "$3" "$(tr , '\n' <<<"$channels")")
    [ "$enabled" != False ] || arguments+=(--no-enabled)
    [ -z "$channels" ] || arguments+=(--set-notification-channels="$channels")
    change gcloud alpha monitoring policies update "$name" "${arguments[@]}"
    return
  fi
  [ -z "$4" ] || arguments+=(--notification-channels="$4")
  if [ -n "$dry_run" ]; then
    change gcloud alpha monitoring policies create "${arguments[@]}"
  elif gcloud alpha monitoring policies create "${arguments[@]}" >/dev/null; then
    printf '  + %s\n' "$(quote gcloud alpha monitoring policies create "${arguments[@]}")"
  else
    incomplete="$incomplete $1"
  fi
}

update_dashboard() { # NAME: replaces the dashboard; gcloud requires the etag of the existing one in the file
  local etag file
  etag=$(query gcloud monitoring dashboards describe "$1" --project="$project" --format='value(etag)')
  file=$(mktemp)
  sed "1s/{/{ \"etag\": \"$etag\",/" deploy/monitoring/dashboard.json >"$file"
  change gcloud monitoring dashboards update "$1" --project="$project" --config-from-file="$file"
  rm -f "$file"
}
