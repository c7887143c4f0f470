# The first process of a container: starts the emulator, whose words follow, and ends with it, or
# when nobody holds standard input any more. Each line of that is a mark, to be seen in both logs.
patience=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
emulator=$!
{
	while read -r mark; do
		echo "$mark"
		echo "$mark" >&2
	done
	if [ "$patience" -gt 0 ]; then
		kill -TERM "$emulator"
		sleep "$patience"
	fi
	# Halted, it keeps its connections open: the function has no time to complain about their end.
	kill -STOP "$emulator"
	kill -KILL -1
} <&3 &
exec 3<&-
wait "$emulator"
