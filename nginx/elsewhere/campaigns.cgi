#!/bin/sh
# The campaign service, started by a web server: as campaigns.cgi for one request (CGI), as campaigns.fcgi for many
# (FastCGI). Both are this file. What the web server gives as arguments is not looked at.

# The folder with the program, the secret and the data, as seen from here. It must be outside of the web site's folder.
folder=../campaigns

# More settings, if you need them (explained in Sources/README.md, "Settings"):
#export PUBLIC_URL=https://campaigns.example.org
#export ALLOWED_ORIGINS=https://tasks.example.org
#export APP_BASE_URL=https://tasks.example.org
# The id of the application with which people sign in with OpenStreetMap. Its secret goes into the file client-secret, in
# the folder above, which only you can read.
#export TM_CLIENT_ID=
#export OSM_SERVER_URL=https://www.openstreetmap.org

refuse() {
    printf 'campaigns.cgi: %s\n' "$1" >&2
    printf 'Status: 503 Service Unavailable\r\nContent-Type: application/json\r\n\r\n'
    printf '{"Error": "The service is not configured", "SubCode": "ServiceUnavailable"}\n'
    exit
}

case $0 in
*/*) cd "${0%/*}/" || refuse "its own folder cannot be entered" ;;
esac
# The web server gives out the logos, and nothing else of the data, by way of a link in its site.
if [ ! -e logos ] && [ ! -L logos ] && [ -w . ]; then ln -s "$folder/data/logos" logos || :; fi
cd "$folder" 2>/dev/null || refuse "there is no folder $folder, seen from $PWD"
[ -x campaignd ] || refuse "$PWD/campaignd is missing, or not executable"

export CAMPAIGNS_DATA="$PWD/data" TM_SECRET_FILE="$PWD/secret"
if [ -e client-secret ]; then export TM_CLIENT_SECRET_FILE="$PWD/client-secret"; fi
exec ./campaignd
