# `uname` of a machine that is emulated; `machine` is set in the line before this one.
flags=
for word; do
	case $word in
		--all) flags=${flags}a ;;
		--kernel-name) flags=${flags}s ;;
		--nodename) flags=${flags}n ;;
		--kernel-release) flags=${flags}r ;;
		--kernel-version) flags=${flags}v ;;
		--machine | --processor | --hardware-platform) flags=${flags}m ;;
		--operating-system) flags=${flags}o ;;
		--*) echo "uname: not understood by this stand-in: $word" >&2; exit 1 ;;
		*) flags=$flags${word#-} ;;
	esac
done
read -r host < /proc/sys/kernel/hostname
read -r release < /proc/sys/kernel/osrelease
read -r version < /proc/sys/kernel/version
said=
say() {
	case ${flags:-s} in
		*[a$1]*) said="$said${said:+ }$2" ;;
	esac
}
say s Linux
say n "$host"
say r "$release"
say v "$version"
say mpi "$machine"
say o GNU/Linux
echo "$said"
