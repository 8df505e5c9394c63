#include "operator/net/resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "operator/base/file.h"
#include "operator/net/name_cache.h"

namespace penstock::net {
namespace {

using Instant = std::chrono::steady_clock::time_point;

void AddAnswers(const unsigned char* answer, int size, ns_type type,
                std::vector<std::string>& out) {
  ns_msg message;
  if (::ns_initparse(answer, size, &message) != 0) return;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record;
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != type) continue;
    const bool v4 = type == ns_t_a;
    if (ns_rr_rdlen(record) != (v4 ? sizeof(in_addr) : sizeof(in6_addr))) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(v4 ? AF_INET : AF_INET6, ns_rr_rdata(record), text.data(), text.size()))
      out.emplace_back(text.data());
  }
}

// True when this machine knows a way to the IPv4 address. Sends nothing.
bool HasRoute(const std::string& address) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool known = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  ::close(fd);
  return known;
}

std::vector<std::string> AskServers(const std::string& host) {
  std::vector<std::string> out;
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return out;
  state.retrans = 2;
  state.retry = 2;
  std::vector<unsigned char> answer(65536);
  for (const ns_type type : {ns_t_a, ns_t_aaaa}) {
    if (!out.empty() && HasRoute(out.front())) break;
    const int size = ::res_nsearch(&state, host.c_str(), ns_c_in, type, answer.data(),
                                   static_cast<int>(answer.size()));
    if (size > 0)
      AddAnswers(answer.data(), std::min<int>(size, static_cast<int>(answer.size())), type, out);
  }
  ::res_nclose(&state);
  return out;
}

std::vector<std::string> LookUp(const std::string& host) {
  if (const auto hosts = ReadFile("/etc/hosts"); hosts) {
    auto found = AddressesInHosts(*hosts, host);
    if (!found.empty()) return found;
  }
  return AskServers(host);
}

// Never destroyed: its threads may hang in a lookup when the process ends.
NameCache& Names() {
  static auto* names = new NameCache(LookUp, [] { return std::chrono::steady_clock::now(); });
  return *names;
}

}  // namespace

bool IsNumericAddress(const std::string& host) {
  in6_addr raw{};
  return ::inet_pton(AF_INET, host.c_str(), &raw) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &raw) == 1;
}

std::vector<std::string> AddressesInHosts(const std::string& text, const std::string& host) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    words >> address;
    if (!IsNumericAddress(address)) continue;
    for (std::string name; words >> name;)
      if (::strcasecmp(name.c_str(), host.c_str()) == 0) out.push_back(address);
  }
  std::stable_partition(out.begin(), out.end(),
                        [](const auto& a) { return a.find(':') == std::string::npos; });
  return out;
}

Result<std::vector<std::string>> ResolveHost(const std::string& host, Instant deadline,
                                             const std::stop_token& stop) {
  if (IsNumericAddress(host)) return std::vector<std::string>{host};
  return Names().Resolve(host, deadline, stop);
}

}  // namespace penstock::net
