// A load generator for model servers: one thread, many connections, HTTP/1.1.
//
//   serving-load --port 8080 --target /v2/models/m/infer --body FILE [--connections 32] [--seconds
//   10]
//                [--warm-up 2] [--rate 5000] [--header 'K: V']...
//
// Without --rate the loop is closed: each connection sends its next request when it has its answer.
// With --rate it is open: requests fall due at a constant rate whether or not answers come, and a
// request's latency counts from when it was due, so that a server that stalls is not flattered.
// Prints one line of JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Options {
  int port = 8080;
  std::string target;
  std::string body_file;
  int connections = 32;
  double seconds = 10;
  double warm_up = 2;
  double rate = 0;  // 0: closed loop
  std::vector<std::string> headers;
};

class Client {
 public:
  explicit Client(int port) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Time due() const { return due_; }

  // Blocking: a request is smaller than what a socket holds, or the server reads it meanwhile.
  void Send(const std::string& request, Time due) {
    due_ = due;
    std::size_t sent = 0;
    while (sent < request.size()) {
      const ssize_t n = send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
      sent += static_cast<std::size_t>(n);
    }
  }

  // The status of a whole answer; 0 while it is not whole.
  int Receive() {
    char chunk[65536];
    const ssize_t n = recv(fd_, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n == 0) throw std::runtime_error("the server closed a connection");
    if (n < 0 && errno != EAGAIN) throw std::runtime_error(std::string("recv: ") + strerror(errno));
    if (n > 0) buffer_.append(chunk, static_cast<std::size_t>(n));
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const std::size_t whole = end + 4 + Length(std::string_view(buffer_).substr(0, end));
    if (buffer_.size() < whole) return 0;
    const int status = std::atoi(buffer_.c_str() + 9);  // after "HTTP/1.1 "
    buffer_.erase(0, whole);
    return status;
  }

 private:
  // The head's Content-Length.
  static std::size_t Length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    for (std::size_t line = 0; (line = head.find('\n', line)) != std::string_view::npos;) {
      ++line;
      if (head.size() - line > kName.size() &&
          strncasecmp(head.data() + line, kName.data(), kName.size()) == 0)
        return std::strtoul(head.data() + line + kName.size(), nullptr, 10);
    }
    throw std::runtime_error("an answer without Content-Length");
  }

  int fd_ = -1;
  Time due_;
  std::string buffer_;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), epoll_(epoll_create1(0)) {
    std::ifstream file(options.body_file, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + options.body_file);
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    request_ = "POST " + options.target +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n";
    for (const std::string& header : options.headers) request_ += header + "\r\n";
    if (request_.find("Content-Type") == std::string::npos)
      request_ += "Content-Type: application/json\r\n";
    request_ += "\r\n" + body;
    for (int i = 0; i < options.connections; ++i) {
      clients_.push_back(std::make_unique<Client>(options.port));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = clients_.back().get();
      epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_.back()->fd(), &event);
      idle_.push_back(clients_.back().get());
    }
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void Run() {
    prctl(PR_SET_TIMERSLACK, 1);  // ns: wakes when a request is due, not up to 50 us later
    begin_ = Clock::now();
    counted_from_ = begin_ + Seconds(options_.warm_up);
    end_ = counted_from_ + Seconds(options_.seconds);
    next_due_ = begin_;
    while (Clock::now() < end_) {
      SendDue();
      epoll_event events[256];
      const timespec wait = Wait();
      const int count = epoll_pwait2(epoll_, events, 256, &wait, nullptr);
      for (int i = 0; i < count; ++i) {
        auto* client = static_cast<Client*>(events[i].data.ptr);
        if (const int status = client->Receive()) Answered(client, status);
      }
    }
  }

  void Print() {
    std::sort(latencies_.begin(), latencies_.end());
    std::string codes;
    for (const auto& [status, count] : codes_) {
      codes += (codes.empty() ? "" : ",") + ("\"" + std::to_string(status) + "\":") +
               std::to_string(count);
    }
    std::printf(
        "{\"loop\":\"%s\",\"connections\":%d,\"seconds\":%.1f,\"ok_per_s\":%.0f,\"codes\":{%s},"
        "\"late\":%zu,\"us\":{\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f}}"
        "\n",
        options_.rate > 0 ? "open" : "closed", options_.connections, options_.seconds,
        static_cast<double>(latencies_.size()) / options_.seconds, codes.c_str(), waiting_.size(),
        At(0.5), At(0.9), At(0.99), At(0.999), At(1));
  }

 private:
  static Clock::duration Seconds(double s) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
  }

  void SendDue() {
    const Time now = Clock::now();
    if (options_.rate <= 0) {
      for (Client* client : idle_) client->Send(request_, now);
      idle_.clear();
      return;
    }
    for (; next_due_ <= now; next_due_ += Seconds(1 / options_.rate)) waiting_.push_back(next_due_);
    while (!waiting_.empty() && !idle_.empty()) {
      // In turn: servers close a connection that is long unused.
      idle_.front()->Send(request_, waiting_.front());
      idle_.pop_front();
      waiting_.pop_front();
    }
  }

  // Until the next request is due, or the end. Busy when that is sooner than a thread sleeps and
  // wakes.
  [[nodiscard]] timespec Wait() const {
    constexpr std::chrono::nanoseconds kBusy = std::chrono::microseconds(60);
    const Time until = options_.rate > 0 ? std::min(next_due_, end_) : end_;
    const std::chrono::nanoseconds left = until - Clock::now();
    if (left < kBusy) return {0, 0};
    return {left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  }

  void Answered(Client* client, int status) {
    const Time now = Clock::now();
    if (now >= counted_from_ && now < end_) {
      ++codes_[status];
      if (status == 200)
        latencies_.push_back(
            std::chrono::duration<double, std::micro>(now - client->due()).count());
    }
    if (options_.rate > 0) {
      idle_.push_back(client);
    } else {
      client->Send(request_, now);
    }
  }

  [[nodiscard]] double At(double share) const {
    if (latencies_.empty()) return 0;
    const auto last = static_cast<double>(latencies_.size() - 1);
    return latencies_[static_cast<std::size_t>(share * last)];
  }

  const Options options_;
  const int epoll_;
  std::string request_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> idle_;
  std::deque<Time> waiting_;  // due, and no connection free
  Time begin_, counted_from_, end_, next_due_;
  std::vector<double> latencies_;
  std::map<int, std::uint64_t> codes_;
};

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Load for a model server on this machine.", "serving-load");
  app.add_option("--port", o.port)->required();
  app.add_option("--target", o.target, "path of the request")->required();
  app.add_option("--body", o.body_file, "file with the request's body")->required();
  app.add_option("--connections", o.connections)->check(CLI::Range(1, 10000));
  app.add_option("--seconds", o.seconds)->check(CLI::PositiveNumber);
  app.add_option("--warm-up", o.warm_up)->check(CLI::NonNegativeNumber);
  app.add_option("--rate", o.rate, "requests a second, open loop; 0: closed loop")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--header", o.headers, "a further header line");
  CLI11_PARSE(app, argc, argv);
  try {
    Load load(o);
    load.Run();
    load.Print();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "serving-load: %s\n", e.what());
    return 1;
  }
  return 0;
}
