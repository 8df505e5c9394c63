#include "operator/kube/name_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace penstock::kube {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds kFresh{30};
constexpr std::chrono::seconds kFailureFresh{1};

struct Entry {
  std::vector<std::string> addresses;
  std::string error;
  SteadyTime looked_up{};
  bool queued = false;

  [[nodiscard]] bool Fresh(SteadyTime now) const {
    return looked_up != SteadyTime{} && now - looked_up < (error.empty() ? kFresh : kFailureFresh);
  }
};

bool IsNumeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> buffer{};
  return inet_pton(AF_INET, host.c_str(), buffer.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), buffer.data()) == 1;
}

std::vector<std::string> LookUp(const std::string& host, std::string& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) {
    error = gai_strerror(code);
    return {};
  }
  std::vector<std::string> out;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      out.emplace_back(text.data());
    }
  }
  freeaddrinfo(found);
  return out;
}

// Never destroyed: its thread may hang in getaddrinfo() when the process ends.
class Resolver {
 public:
  static Resolver& Instance() {
    static auto* instance = new Resolver;
    return *instance;
  }

  Result<std::vector<std::string>> Resolve(const std::string& host, SteadyTime deadline,
                                           std::stop_token stop) {
    std::unique_lock lock(mutex_);
    Entry& entry = entries_[host];
    if (!entry.Fresh(std::chrono::steady_clock::now())) {
      if (!entry.queued) {
        entry.queued = true;
        queue_.push_back(host);
        changed_.notify_all();
      }
      if (entry.addresses.empty()) {
        changed_.wait_until(lock, stop, deadline, [&] { return !entry.queued; });
      }
    }
    if (stop.stop_requested()) return Cancelled("looking up " + host + " was stopped");
    if (!entry.addresses.empty()) return entry.addresses;
    return Transient("host name " + host +
                     " does not resolve: " + (entry.queued ? "no answer in time" : entry.error));
  }

 private:
  Resolver() {
    std::thread([this] { Run(); }).detach();
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return !queue_.empty(); });
      const std::string host = queue_.front();
      queue_.pop_front();
      lock.unlock();
      std::string error;
      auto addresses = LookUp(host, error);
      lock.lock();
      Entry& entry = entries_[host];
      if (!addresses.empty()) entry.addresses = std::move(addresses);
      entry.error = std::move(error);
      entry.looked_up = std::chrono::steady_clock::now();
      entry.queued = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
};

}  // namespace

Result<std::vector<std::string>> ResolveHost(const std::string& host, SteadyTime deadline,
                                             std::stop_token stop) {
  if (IsNumeric(host)) return std::vector<std::string>{host};
  return Resolver::Instance().Resolve(host, deadline, std::move(stop));
}

}  // namespace penstock::kube
