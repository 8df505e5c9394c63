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
#include <condition_variable>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "operator/base/file.h"

namespace penstock::net {
namespace {

using Instant = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds kFresh{30};
constexpr std::chrono::seconds kFailureFresh{1};
constexpr std::size_t kMostNames = 1000;

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

// Never destroyed: a thread of it may hang in a lookup when the process ends.
class Resolver {
 public:
  static Resolver& Instance() {
    static auto* instance = new Resolver;
    return *instance;
  }

  Result<std::vector<std::string>> Resolve(const std::string& host, Instant deadline,
                                           const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (names_.size() > kMostNames) {
      std::erase_if(names_, [&](const auto& n) { return !n.second.asked && !n.second.Fresh(now); });
    }
    Name& name = names_[host];
    if (!name.asked && !name.Fresh(now)) {
      try {
        std::thread([this, host] { Ask(host); }).detach();
      } catch (const std::system_error& e) {
        return Transient("host name " + host + " is not looked up: " + e.what());
      }
      name.asked = true;
    }
    // What was known is used while its successor is asked for.
    if (name.addresses.empty()) {
      changed_.wait_until(lock, stop, deadline, [&] { return !names_[host].asked; });
    }
    if (stop.stop_requested()) return Cancelled("looking up " + host + " was stopped");
    const Name& known = names_[host];
    if (!known.addresses.empty()) return known.addresses;
    return Transient(
        "host name " + host + " does not resolve: " +
        (known.asked ? "no answer in time" : "no name server knows it, or none answered"));
  }

 private:
  struct Name {
    std::vector<std::string> addresses;
    bool failed = false;  // the last time; addresses are older
    bool asked = false;   // a thread looks it up
    Instant looked_up{};

    [[nodiscard]] bool Fresh(Instant now) const {
      return looked_up != Instant{} && now - looked_up < (failed ? kFailureFresh : kFresh);
    }
  };

  void Ask(const std::string& host) {
    auto addresses = LookUp(host);
    const std::lock_guard lock(mutex_);
    Name& name = names_[host];
    name.failed = addresses.empty();
    if (!name.failed) name.addresses = std::move(addresses);
    name.looked_up = std::chrono::steady_clock::now();
    name.asked = false;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Name> names_;
};

}  // namespace

bool IsNumericAddress(const std::string& host) {
  in6_addr raw{};
  return ::inet_pton(AF_INET, host.c_str(), &raw) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &raw) == 1;
}

bool IsLocalAddress(const std::string& address) {
  in6_addr v6{};
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) != 1) {
    if (::inet_pton(AF_INET6, address.c_str(), &v6) != 1) return false;
    if (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6))
      return true;
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) return false;
    std::copy_n(v6.s6_addr + 12, 4, reinterpret_cast<std::uint8_t*>(&v4.s_addr));
  }
  const std::uint32_t ip = ntohl(v4.s_addr);
  return ip == INADDR_ANY || ip >> 24 == 127 || ip >> 16 == 0xA9FE;  // 169.254.0.0/16
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
  return Resolver::Instance().Resolve(host, deadline, stop);
}

}  // namespace penstock::net
