// An HTTP server on 127.0.0.1 that gives prepared answers, one a connection, and keeps what it was
// asked. For tests only; owns its thread.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::ingest {

class TestServer {
 public:
  // Whole answers: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx". The last one is repeated.
  explicit TestServer(std::vector<std::string> answers);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void Serve();
  std::vector<std::string> answers_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace penstock::ingest
