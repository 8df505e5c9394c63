// A penstock-serve process and a blocking HTTP client, for the integration test.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace penstock::serve {

struct Reply {
  int status = 0;  // 0: the connection ended without a response
  std::string head;
  std::string body;
};

// One TCP connection to 127.0.0.1. Used by one thread.
class ClientConnection {
 public:
  explicit ClientConnection(int port);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  void Send(const std::string& bytes);
  // The next response; waits at most 30 s. That to a HEAD has no body, whatever its length says.
  Reply Receive(bool has_body = true);
  Reply Get(const std::string& target);
  Reply Post(const std::string& target, const std::string& body, const std::string& headers = "");
  // True when the server has closed, after reading whatever came before.
  bool AtEnd();

 private:
  bool Fill();
  int fd_ = -1;
  std::string buffer_;
};

// Takes one HTTP request on 127.0.0.1 and answers 200.
class Collector {
 public:
  Collector();
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  [[nodiscard]] int port() const { return port_; }
  std::string Receive();  // the whole request; waits at most 30 s

 private:
  int fd_ = -1;
  int port_ = 0;
};

class ServerProcess {
 public:
  // Starts `program --address 127.0.0.1 --port 0 arguments...` and waits until it says its port.
  ServerProcess(const std::string& program, const std::vector<std::string>& arguments);
  ~ServerProcess();  // kills it if it still runs
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // Reads the log until a line contains `text`; the line, or what was read when the log ended.
  std::string WaitForLog(const std::string& text);
  void Signal(int signal) const;
  int Wait();  // the exit code; -signal when one ended it

 private:
  pid_t pid_ = -1;
  int log_fd_ = -1;
  int port_ = 0;
  std::string log_;
};

}  // namespace penstock::serve
