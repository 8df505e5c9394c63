#include "operator/artifacts/resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "operator/base/file.h"

namespace penstock::artifacts {
namespace {

bool IsNumeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> raw{};
  return ::inet_pton(AF_INET, host.c_str(), raw.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), raw.data()) == 1;
}

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

std::vector<std::string> AskServers(const std::string& host) {
  std::vector<std::string> out;
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return out;
  state.retrans = 2;
  state.retry = 2;
  std::vector<unsigned char> answer(65536);
  for (const ns_type type : {ns_t_a, ns_t_aaaa}) {
    if (!out.empty()) break;
    const int size = ::res_nsearch(&state, host.c_str(), ns_c_in, type, answer.data(),
                                   static_cast<int>(answer.size()));
    if (size > 0)
      AddAnswers(answer.data(), std::min<int>(size, static_cast<int>(answer.size())), type, out);
  }
  ::res_nclose(&state);
  return out;
}

}  // namespace

std::vector<std::string> AddressesInHosts(const std::string& text, const std::string& host) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    words >> address;
    if (!IsNumeric(address)) continue;
    for (std::string name; words >> name;)
      if (::strcasecmp(name.c_str(), host.c_str()) == 0) out.push_back(address);
  }
  std::stable_partition(out.begin(), out.end(),
                        [](const auto& a) { return a.find(':') == std::string::npos; });
  return out;
}

Result<std::vector<std::string>> ResolveHost(const std::string& host) {
  if (IsNumeric(host)) return std::vector<std::string>{host};
  if (auto hosts = ReadFile("/etc/hosts"); hosts) {
    auto found = AddressesInHosts(*hosts, host);
    if (!found.empty()) return found;
  }
  auto found = AskServers(host);
  if (found.empty()) return Transient("no name server knows '" + host + "', or none answered");
  return found;
}

}  // namespace penstock::artifacts
