#!/usr/bin/env bash
# Launches the flex template that scripts/build_flex_template.sh built. Parameters are main.py's flags, as NAME=VALUE.
#
#   scripts/launch_flex_template.sh --project PROJECT --region REGION --image IMAGE --template gs://BUCKET/NAME.json \
#     --temp gs://BUCKET/temp input='gs://BUCKET/trips/*.csv' output=gs://BUCKET/out metadata=none
#
#   --image IMAGE             the image that the template was built with; the workers use it too
#   --temp URI                a folder in a bucket of the job's region, for the job's own files
#   --job_name NAME           default: beam-taxi- followed by the time
#   --service_account EMAIL   for launcher and workers; default: Compute Engine's own
#   --subnetwork NAME         for launcher and workers, such as regions/REGION/subnetworks/NAME
#   --max_workers N           default: Dataflow's
#   --machine_type TYPE       for workers; default: Dataflow's
#   --dry_run                 only print the command
#   -- ARGUMENT...            passed on to gcloud unchanged, as in -- --disable-public-ips
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'launch_flex_template: %s\n' "$@" >&2
  exit 2
}

project='' region='' image='' template='' temp='' service_account='' subnetwork='' max_workers='' machine_type=''
job_name=beam-taxi-$(date -u +%Y%m%d-%H%M%S) dry_run=false parameters=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --project | --region | --image | --template | --temp | --job_name | --service_account | --subnetwork | \
      --max_workers | --machine_type)
      [[ -n ${2-} ]] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --dry_run)
      dry_run=true
      shift
      ;;
    --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
      exit
      ;;
    --)
      shift
      break
      ;;
    -*) fail "what is $1? --help says what there is; main.py's flags are given as NAME=VALUE." ;;
    ?*=*)
      grep -q "^ *\"name\": \"${1%%=*}\",\$" docker/metadata.json ||
        fail "${1%%=*} is no parameter of the template; docker/metadata.json lists them."
      parameters+=("$1")
      shift
      ;;
    *) fail "what is $1? A parameter is NAME=VALUE." ;;
  esac
done
for flag in project region image template temp; do
  [[ -n ${!flag} ]] || fail "--$flag is missing. --help says what it is."
done
for name in input output metadata; do
  [[ " ${parameters[*]/%=*/=} " == *" $name="* ]] || fail "$name=VALUE is missing; main.py --help says what it is."
done
[[ $temp == gs://[!/]*/?* ]] || fail "--temp $temp: give a folder in a bucket, as in gs://BUCKET/temp"
parameters+=("sdk_container_image=$image")

# gcloud splits a list at commas, which values have, unless it begins with another separator.
for separator in '~' '|' ';' '#' '@@@'; do
  [[ ${parameters[*]} == *"$separator"* ]] || break
done
printf -v list "%s$separator" "${parameters[@]}"
command=(gcloud dataflow flex-template run "$job_name" --project "$project" --region "$region"
  --template-file-gcs-location "$template" --temp-location "$temp" --staging-location "${temp%/}/staging"
  --parameters "^$separator^${list%"$separator"}")
[[ -z $service_account ]] || command+=(--service-account-email "$service_account")
[[ -z $subnetwork ]] || command+=(--subnetwork "$subnetwork")
[[ -z $max_workers ]] || command+=(--max-workers "$max_workers")
[[ -z $machine_type ]] || command+=(--worker-machine-type "$machine_type")
command+=("$@")

printf '+ ' && printf '%q ' "${command[@]}" && echo
$dry_run || type -P gcloud >/dev/null || fail 'gcloud is not on PATH: install it, or print the command with --dry_run.'
$dry_run || "${command[@]}"
