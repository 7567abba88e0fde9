#!/bin/bash
# The units as systemd runs them, and mail programs in the sandbox of the service: systemd.sh CAMPAIGND
#
# systemd is started in namespaces of its own, on a root folder in memory that has this machine's /usr and nothing else of
# it. It knows no units but campaignd's and what belongs to this trial, and all of it is gone at the end. Needs root.
#
# Prints a line for each arrangement and mail program: who has got an e-mail. Exit code 75: systemd does not start here.
set -eu

nginx=$(cd "$(dirname "$0")/../../nginx" && pwd)

if [ "${2:-}" != inside ]; then
    [ -x /lib/systemd/systemd ] && unshare --mount --pid --fork --cgroup --uts --ipc --net true || exit 75
    exec unshare --mount --cgroup --uts --ipc --net "$0" "$1" inside
fi

# --- The root folder ---

mount --make-rprivate /
root=$(mktemp -d)
child=
# systemd ends with the process that has started it.
trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null; cd / && umount -l "$root"; rmdir "$root"' EXIT
trap 'exit 143' TERM
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir usr etc proc sys dev run tmp var opt root
chmod 1777 tmp
mount --rbind -o ro /usr usr
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -L /$name ]; then ln -s "usr/$name" $name; elif [ -d /$name ]; then mkdir $name && mount --rbind -o ro /$name $name; fi
done
mount --rbind /sys sys
mount --rbind /dev dev
umount -R sys/fs/cgroup 2>/dev/null || umount -l sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup || exit 75
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p var/lib/nginx var/log/nginx var/tmp var/spool/postfix/maildrop
chmod 1777 var/tmp

cp -a /etc/ld.so.* /etc/nsswitch.conf /etc/alternatives etc/
printf 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\ncampaignd:x:900:900::/var/lib/campaignd:/bin/false\nnobody:x:65534:65534::/:/bin/false\n' >etc/passwd
printf 'root:x:0:\nwww-data:x:33:\ncampaignd:x:900:\npostdrop:x:901:\nnogroup:x:65534:\n' >etc/group
head -c 16 /dev/urandom | od -An -v -t x1 | tr -d ' \n' >etc/machine-id

# The units: these, and no others.
units=usr/lib/systemd/system
[ -d $units ] || units=lib/systemd/system
mount -t tmpfs -o mode=755 tmpfs $units
mount -t tmpfs -o mode=755 tmpfs "${units%/*}/system-generators"
cp "$nginx/campaignd.service" "$nginx/campaignd.socket" $units/
for name in sysinit basic sockets shutdown multi-user; do printf '[Unit]\nDefaultDependencies=no\n' >$units/$name.target; done
sed -i 's|^ExecStart=campaignd |ExecStart=/opt/campaignd |' $units/campaignd.service
mkdir -p etc/default etc/campaignd etc/systemd/system/campaignd.service.d
printf '[Service]\nStandardError=append:/var/trouble\n' >etc/systemd/system/campaignd.service.d/log.conf
touch opt/campaignd
mount --bind "$1" opt/campaignd
# Its libraries that are elsewhere, such as Swift's own.
ldd "$1" | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | grep -Ev '^/(usr|lib)' | while read -r library; do
    install -D "$library" "$root$library"
done
(umask 077 && echo trial-secret >etc/campaignd/secret)

# --- Mail programs, and a mail server ---

# One that speaks to a server, as msmtp does.
printf '#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/2525 && cat >&3\n' >opt/speak
# One that puts the mail into a folder of another group, as Postfix's postdrop does.
cp /usr/bin/tee opt/queue
chmod 755 opt/speak
chgrp 901 opt/queue var/spool/postfix/maildrop
chmod 2755 opt/queue
chmod 730 var/spool/postfix/maildrop
printf '[Socket]\nListenStream=127.0.0.1:2525\nAccept=yes\n' >$units/server.socket
printf '[Service]\nExecStart=/bin/cat\nStandardInput=socket\nStandardOutput=append:/var/server\n' >$units/server@.service

# --- nginx, as the README has it ---

mkdir etc/nginx
cp "$nginx/campaigns.conf" "$nginx/campaigns-http.conf" etc/nginx/
: >etc/nginx/campaigns-origins.conf
cat >etc/nginx/nginx.conf <<'END'
user www-data;
events {}
http {
    include campaigns-http.conf;
    server {
        include campaigns.conf;
        listen 127.0.0.1:80;
    }
}
END

# --- The trial, as a unit among the others ---

cat >opt/trial <<'END'
#!/bin/bash
exec 2>/var/trouble
service() { systemctl "$@" campaignd.service; }
nginx -c /etc/nginx/nginx.conf
/opt/campaignd init /var/lib/campaignd --demo >/dev/null
chown -R campaignd: /var/lib/campaignd
systemctl start campaignd.socket server.socket
token=$(/opt/campaignd token 1 --data /var/lib/campaignd --secret-file /etc/campaignd/secret)
# Until something has come, or the time is up.
within() { for ((left = $1 * 10; left > 0; left -= 1)); do ! eval "$2" || return 0; sleep 0.1; done; return 1; }
# The service says so of the message in its log.
has_failed() { grep -q "an e-mail was not sent.*message=\"$number\"" /var/trouble; }
number=0
for part in none first whole; do
    case $part in
    none) : ;;
    first) sed '/^# The second part/,$d' /opt/mail.conf ;;
    whole) cat /opt/mail.conf ;;
    esac >/etc/systemd/system/campaignd.service.d/mail.conf
    for mail in '/opt/speak' '/opt/queue -a /var/spool/postfix/maildrop/mail'; do
        printf '%s\n' "SENDMAIL=$mail" MAIL_FROM=a@example.org APP_BASE_URL=https://example.org >/etc/default/campaignd
        systemctl daemon-reload
        service restart
        number=$((number + 1))
        curl --silent --max-time 60 --output /dev/null --fail -H "Authorization: Token $token" -d '{"subject": "x", "message": "x"}' \
            http://127.0.0.1/api/v2/campaigns/8/actions/message-contributors/
        # At once, whatever has failed before.
        /opt/campaignd deliver /var/lib/campaignd --retry-failed >/dev/null 2>&1
        # Those of before are on their way again, too.
        id="^Message-ID: <campaign-message-$number-"
        within 30 'cat /var/server /var/spool/postfix/maildrop/mail 2>/dev/null | grep -q "$id" || has_failed'
        if cat /var/server /var/spool/postfix/maildrop/mail 2>/dev/null | grep -q "$id"; then outcome=sent; else outcome='not sent'; fi
        echo "$part, ${mail:5:5}: $outcome" >>/var/result
    done
done
service is-active >>/var/result
END
chmod 755 opt/trial
cp "$nginx/campaignd-mail.conf" opt/mail.conf
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/opt/trial\nExecStopPost=/bin/touch /var/over\n' >$units/trial.service

mount --make-rshared /
unshare --pid --fork --kill-child --mount bash -c '
    mount --make-rprivate / && mount --rbind "$0" "$0" && cd "$0" && mkdir .old && pivot_root . .old && mount -t proc proc /proc && umount -l /.old &&
        rmdir /.old && mount --make-rshared /
    exec env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=trial.service --log-target=null --show-status=no
' "$root" &
child=$!
until [ -e var/over ] || ! kill -0 $child 2>/dev/null; do sleep 0.1; done
[ -e var/result ] || { cat var/trouble >&2 2>/dev/null; exit 75; }
cat var/result
cat var/trouble >&2
