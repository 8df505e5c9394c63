#!/usr/bin/env bash
# Howard Hinnant's date library 3.0.1 (Debian 12's libdate-tz3, which reads the system's zoneinfo): a zone has no clock changes
# from 2038 on. The compiled files of the system list changes up to 2037 and say the rule for all later years in a last line of
# text (RFC 8536, footer), which glibc and Python follow and this library does not read. In the summer of 2038 Berlin is an hour
# behind what every other program on the same machine says, without an error. A schedule of a wall clock computed with it is off
# by that hour.
# Output seen: see `want` below.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libdate-tz3=3.0.1+ds-5 libhowardhinnant-date-dev=3.0.1+ds-5 >/dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
cat >offsets.cc <<'CC'
#include <date/tz.h>

#include <iostream>

int main() {
  using namespace date;
  for (int year : {2026, 2037, 2038, 2050}) {
    const auto info = locate_zone("Europe/Berlin")->get_info(sys_days{date::year{year} / 7 / 1});
    std::cout << "date " << year << "-07-01: " << info.offset.count() / 3600 << " h\n";
  }
}
CC
g++ -std=c++17 -I root/usr/include offsets.cc root/usr/lib/*/libdate-tz.so.3 -o offsets
got=$(LD_LIBRARY_PATH=$(echo root/usr/lib/*) ./offsets
for year in 2026 2037 2038 2050; do
  echo "glibc $year-07-01: $(($(TZ=Europe/Berlin date -d "@$(date -u -d "$year-07-01" +%s)" +%z | sed 's/^+0*//; s/00$//') + 0)) h"
done)
want="date 2026-07-01: 2 h
date 2037-07-01: 2 h
date 2038-07-01: 1 h
date 2050-07-01: 1 h
glibc 2026-07-01: 2 h
glibc 2037-07-01: 2 h
glibc 2038-07-01: 2 h
glibc 2050-07-01: 2 h"
echo "$got"
[ "$got" = "$want" ] || { echo "this changed; expected:"; echo "$want"; exit 1; }
