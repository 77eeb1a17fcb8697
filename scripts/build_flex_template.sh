#!/usr/bin/env bash
# Builds the image of docker/Dockerfile, and the flex template that launches it.
#
#   scripts/build_flex_template.sh --project PROJECT --image IMAGE --template gs://BUCKET/NAME.json
#
#   --image IMAGE        where the image goes, such as europe-west1-docker.pkg.dev/PROJECT/beam-taxi/beam-taxi:1
#   --template URI       where the template goes
#   --python VERSION     3.11 with the compatible stack (default), or 3.12 or 3.13 with the current stack
#   --launcher_tag TAG   the tag of Google's launcher image; default: latest
#   --local              build with Docker on this machine instead of Cloud Build
#   --dry_run            only print the commands
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'build_flex_template: %s\n' "$@" >&2
  exit 2
}

call() {
  printf '+ ' && printf '%q ' "$@" && echo
  $dry_run || "$@"
}

project='' image='' template='' python=3.11 launcher_tag=latest local=false dry_run=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --project | --image | --template | --python | --launcher_tag)
      [[ -n ${2-} ]] || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    --local | --dry_run)
      declare "${1#--}=true"
      shift
      ;;
    --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
      exit
      ;;
    *) fail "what is $1? --help says what there is." ;;
  esac
done
for flag in project image template; do
  [[ -n ${!flag} ]] || fail "--$flag is missing. --help says what it is."
done
[[ $image == */*:* || $image == */*@* ]] || fail "--image $image: give a tag too, as in $image:1"
[[ $template == gs://[!/]*/?* ]] || fail "--template $template: give a file in a bucket, as in gs://BUCKET/beam_taxi.json"
case $python in
  3.11) stack=compatible debian=bookworm ;;
  3.12 | 3.13) stack=current debian=trixie ;;
  *) fail "--python $python: give 3.11, 3.12 or 3.13" ;;
esac
beam=$(sed -n 's/^apache-beam==\([^ ]*\).*/\1/p' "requirements/$stack-$python.txt")
arguments=(PYTHON="$python" DEBIAN="$debian" STACK="$stack" BEAM="$beam"
  LAUNCHER="python${python/./}-template-launcher-base" LAUNCHER_TAG="$launcher_tag")
tools=(gcloud)
! $local || tools+=(docker)
for tool in "${tools[@]}"; do
  $dry_run || type -P "$tool" >/dev/null || fail "$tool is not on PATH: install it, or print the commands with --dry_run."
done

if $local; then
  call docker build --file docker/Dockerfile --tag "$image" "${arguments[@]/#/--build-arg=}" .
  call docker push "$image"
else
  substitutions=$(printf ',_%s' "${arguments[@]}")
  call gcloud builds submit . --project "$project" --config docker/cloudbuild.yaml \
    --substitutions "_IMAGE=$image$substitutions"
fi
call gcloud dataflow flex-template build "$template" --project "$project" --image "$image" \
  --sdk-language PYTHON --metadata-file docker/metadata.json
