# Is a file what the platform published? With openssl and sha256sum alone.
# usage: sh check_file.sh latest.csv, with latest.manifest.json, latest.jws and jwks.json beside it
unurl() { tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null; }
name=${1%%.*}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
kid=$(cut -d. -f1 "$name.jws" | unurl | sed 's/.*"kid":"\([^"]*\)".*/\1/')
x=$(tr '{' '\n' < jwks.json | grep "\"kid\":\"$kid\"" | sed 's/.*"x":"\([^"]*\)".*/\1/')
(printf '\060\052\060\005\006\003\053\145\160\003\041\000'; echo "$x" | unurl) > "$work/key.der"
printf '%s.%s' "$(cut -d. -f1 "$name.jws")" "$(base64 -w0 "$name.manifest.json" | tr '/+' '_-' | tr -d =)" > "$work/signed.txt"
cut -d. -f3 "$name.jws" | unurl > "$work/signature.bin"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/signed.txt" -sigfile "$work/signature.bin" &&
  grep -q "$(sha256sum < "$1" | cut -c1-64)" "$name.manifest.json" && echo "genuine: $1"
