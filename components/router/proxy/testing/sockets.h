// Blocking sockets on loopback for tests: a client that sends what it likes, and servers that do.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "components/router/routing/route_table.h"

namespace penstock::router {

// A port that nobody listens on at the moment.
[[nodiscard]] std::uint16_t FreePort();

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // False when the peer takes no more.
  bool Send(const std::string& bytes);
  // One message, by its Content-Length or chunks (or a head alone); "" when the peer closed first.
  // Waits at most 10 s.
  [[nodiscard]] std::string Read();
  [[nodiscard]] std::string ReadHead();
  [[nodiscard]] std::string ReadBytes(std::size_t size);
  // Everything until the peer closes.
  [[nodiscard]] std::string ReadAll();
  // The peer closes within 10 s, with nothing more to say.
  [[nodiscard]] bool IsClosed();
  // Something can be read (or the end) within this time.
  [[nodiscard]] bool HasInput(std::chrono::milliseconds within);
  void Close();
  void Reset();  // closes with RST
  void ShutdownWrite();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  [[nodiscard]] bool More();
  int fd_;
  std::string pending_;
};

[[nodiscard]] std::unique_ptr<Connection> ConnectTo(std::uint16_t port);

// Each connection is served on a thread of its own, and closed when `serve` returns.
class FakeServer {
 public:
  using Serve = std::function<void(Connection&)>;
  explicit FakeServer(Serve serve, std::uint16_t port = 0);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int requests() const { return requests_; }
  void CountRequest() { ++requests_; }
  void CloseConnections();

 private:
  void Accept();
  Serve serve_;
  int listener_;
  std::uint16_t port_;  // set by Listen, with listener_
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::vector<int> open_;  // guarded by mutex_
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

// Answers every request 200 with "NAME METHOD TARGET BODY".
[[nodiscard]] FakeServer::Serve Echo(const std::string& name);
[[nodiscard]] std::string Ok(const std::string& body, const std::string& headers = "");
[[nodiscard]] std::string BodyOf(const std::string& message);
[[nodiscard]] std::string Get(const std::string& target, const std::string& headers = "");
[[nodiscard]] std::string Post(const std::string& target, const std::string& body,
                               const std::string& headers = "");
// Until `is` or 10 s are over; what it says at last.
[[nodiscard]] bool Eventually(const std::function<bool()>& is);

}  // namespace penstock::router
