// A scripted HTTP(S) server for tests: each connection runs the script on a thread of its own, byte
// by byte, so that every way a server can misbehave can be written down.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace penstock::net {

class FakeConnection {
 public:
  FakeConnection(int fd, int index, ssl_ctx_st* tls);
  ~FakeConnection();
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  // The next request: head and body as sent; "" when the client closed.
  std::string ReadRequest();
  void Send(const std::string& bytes);
  // Head and body with Content-Length.
  void Answer(int status, const std::string& body, const std::string& headers = "");
  // The head of a chunked answer, then pieces with SendChunk, then SendChunk("") ends it.
  void BeginChunked();
  void SendChunk(const std::string& bytes);
  // Blocks until the client closes.
  void WaitClosed();
  // As a proxy does after CONNECT: passes bytes on to a port of 127.0.0.1 and back, until either
  // side closes.
  void PassOn(int port);
  [[nodiscard]] int index() const { return index_; }  // counts connections from 0
  [[nodiscard]] bool good() const { return good_; }   // the TLS handshake, if any, succeeded

 private:
  friend class FakeServer;
  std::size_t Receive(char* data, std::size_t size);

  const int fd_;
  const int index_;
  ssl_st* ssl_ = nullptr;
  bool good_ = true;
  std::string buffer_;
};

struct FakeIdentity {
  std::string certificate_pem;
  std::string key_pem;
};
// A self-signed certificate for 127.0.0.1.
FakeIdentity MakeFakeIdentity();

class FakeServer {
 public:
  using Script = std::function<void(FakeConnection&)>;
  explicit FakeServer(Script script, const FakeIdentity* tls = nullptr);
  ~FakeServer();  // closes all connections and joins

  [[nodiscard]] std::string url() const;
  [[nodiscard]] int connections() const { return connections_.load(); }
  // Requests in the order of their coming, heads and bodies.
  [[nodiscard]] std::vector<std::string> requests() const;
  void Record(const std::string& request);
  // The certificate of the connections from now on.
  void SetIdentity(const FakeIdentity& identity);

 private:
  void Accept();

  const Script script_;
  const bool is_tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> tls_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace penstock::net
