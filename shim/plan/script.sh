# Each call names the revision that the function was compared at just before: where somebody changes
# it meanwhile, the call is refused, and this script ends.

stop() {
    printf '%s\n' "$1" >&2
    exit 1
}

case $(aws --version 2>&1) in
aws-cli/[12].*) ;;
*) stop 'this takes the AWS CLI, version 1 or 2 (aws --version)' ;;
esac
AWS_PAGER=
export AWS_PAGER

# What is secret goes to aws in files that nobody else can read.
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tab=$(printf '\t')

# settle: wait until no update is in progress, and read what the function is then.
settle() {
    tries=0
    while :; do
        aws lambda get-function --function-name "$function" --output text --query "Configuration.[
            RevisionId, join(' ', [State || '', LastUpdateStatus || '']), CodeSha256 || '-',
            Architectures[0] || 'x86_64', Runtime || '-', Handler || '-',
            to_string((Layers || \`[]\`)[].Arn),
            to_string([sort(keys(Environment.Variables || \`{}\`)), $values])]" >"$work/now"
        IFS=$tab read -r revision status code architecture runtime handler layers environment \
            <"$work/now"
        case $status in
        *InProgress* | *Pending*) ;;
        *) return ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || stop 'the last update has not taken hold in 300 seconds'
        sleep 1
    done
}

# compare: end here where the function is not as the plan has it; what the plan doesn't know is empty.
compare() {
    same package "$code" "${wanted_code:-$code}"
    same architecture "$architecture" "$wanted_architecture"
    same runtime "$runtime" "$wanted_runtime"
    same handler "$handler" "$wanted_handler"
    same layers "$layers" "${wanted_layers:-$layers}"
    same environment "$environment" "$wanted_environment"
}

# same NAME FOUND WANTED
same() {
    [ "$2" = "$3" ] || stop "somebody changed the $1 since this plan was made: nothing of that was overwritten, plan again"
}

# took_hold: wait for the update that was sent, and compare.
took_hold() {
    settle
    case $status in
    *Failed*)
        aws lambda get-function --function-name "$function" --output text \
            --query 'Configuration.[LastUpdateStatusReasonCode, LastUpdateStatusReason]' >&2
        stop 'the update failed: the function runs what it did before'
        ;;
    esac
    compare
}
