#include "operator/metadata/postgres/testing/postgres_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "operator/net/testing/fake_server.h"
#include "operator/os/command.h"

namespace penstock::metadata {
namespace {

namespace fs = std::filesystem;

constexpr int kNobody = 65534;  // the server refuses to run as root

// The folder of initdb: Debian's, or what tools/install-deps unpacked.
fs::path FindPrograms() {
  const char* home = std::getenv("HOME");
  const char* deps = std::getenv("PENSTOCK_DEPS");
  const fs::path unpacked = deps != nullptr
                                ? fs::path(deps)
                                : fs::path(home == nullptr ? "/" : home) / ".cache/penstock/deps";
  for (const fs::path& versions :
       {fs::path("/usr/lib/postgresql"), unpacked / "postgresql/usr/lib/postgresql"}) {
    std::error_code error;
    for (const auto& version : fs::directory_iterator(versions, error)) {
      if (fs::exists(version.path() / "bin/initdb")) return version.path() / "bin";
    }
  }
  return {};
}

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

void Write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  if (::geteuid() == 0 && ::chown(path.c_str(), kNobody, kNobody) != 0)
    throw std::runtime_error("chown " + path.string());
}

}  // namespace

std::unique_ptr<PostgresServer> PostgresServer::Start(std::string& why_not) {
  const fs::path programs = FindPrograms();
  if (programs.empty()) {
    why_not = "PostgreSQL's server is not installed here: tools/install-deps test";
    return nullptr;
  }
  std::string folder = "/tmp/penstock-postgres-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
  std::unique_ptr<PostgresServer> server(new PostgresServer(programs, folder));
  server->Prepare();
  server->Launch();
  return server;
}

PostgresServer::PostgresServer(fs::path programs, fs::path folder)
    : programs_(std::move(programs)), folder_(std::move(folder)) {}

PostgresServer::~PostgresServer() {
  if (process_) {
    ::kill(process_->pid(), SIGQUIT);  // at once
    if (!process_->Wait(std::chrono::seconds(20))) process_->KillAll();
    process_.reset();
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

ChildOptions PostgresServer::Options(const std::string& program,
                                     const std::vector<std::string>& words, bool as_server) const {
  ChildOptions options;
  if (as_server && ::geteuid() == 0) {
    const std::string id = std::to_string(kNobody);
    options.argv = {"/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups"};
  }
  options.argv.push_back((programs_ / program).string());
  options.argv.insert(options.argv.end(), words.begin(), words.end());
  options.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + folder_.string(),
                         std::string("PGPASSWORD=") + kPassword};
  options.directory = folder_;
  return options;
}

std::string PostgresServer::Run(const std::string& program, const std::vector<std::string>& words,
                                bool as_server) {
  const auto end = RunCommand(Options(program, words, as_server), {std::chrono::minutes(2)});
  if (!end) throw std::runtime_error(end.error().message);
  if (!end->exit || end->exit->ExitCode() != 0)
    throw std::runtime_error(program + ": " + end->output + end->error);
  return end->output;
}

void PostgresServer::Prepare() {
  if (::geteuid() == 0 && ::chown(folder_.c_str(), kNobody, kNobody) != 0)
    throw std::runtime_error("chown " + folder_.string());
  Write(folder_ / "password", kPassword);
  Run("initdb",
      {"-D", (folder_ / "data").string(), "-U", kUser, "--auth=scram-sha-256",
       "--pwfile=" + (folder_ / "password").string(), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
       "--no-instructions"},
      true);
  const auto identity = net::MakeFakeIdentity();
  certificate_ = identity.certificate_pem;
  Write(folder_ / "server.crt", identity.certificate_pem);
  Write(folder_ / "server.key", identity.key_pem);
}

void PostgresServer::Kill() {
  process_->KillAll();
  if (!process_->Wait(std::chrono::seconds(20))) throw std::runtime_error("it outlives a SIGKILL");
  process_.reset();
}

void PostgresServer::Launch() {
  if (port_ == 0) port_ = FreePort();
  ChildOptions options =
      Options("postgres",
              {"-D", (folder_ / "data").string(), "-p", std::to_string(port_), "-c",
               "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
               "-c", "shared_buffers=16MB", "-c", "ssl=on", "-c",
               "ssl_cert_file=" + (folder_ / "server.crt").string(), "-c",
               "ssl_key_file=" + (folder_ / "server.key").string()},
              true);
  options.log = folder_ / "log";
  auto started = ChildProcess::Start(options);
  if (!started) throw std::runtime_error(started.error().message);
  process_.emplace(*std::move(started));
  for (int i = 0;; ++i) {
    try {
      Sql("SELECT 1");
      return;
    } catch (const std::runtime_error&) {
      if (i == 600 || process_->Wait(std::chrono::milliseconds(50))) throw;
    }
  }
}

std::string PostgresServer::Address() const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=postgres user=" + kUser;
}

std::string PostgresServer::Sql(const std::string& statements) {
  return Run("psql", {"-qAtX", "-v", "ON_ERROR_STOP=1", "-d", Address(), "-c", statements}, false);
}

}  // namespace penstock::metadata
