#include "operator/net/testing/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

namespace penstock::net {
namespace {

std::string PemOf(const std::function<void(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, size);
  BIO_free(bio);
  return out;
}

std::shared_ptr<ssl_ctx_st> MakeContext(const FakeIdentity& identity) {
  std::shared_ptr<ssl_ctx_st> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  BIO* bio = BIO_new_mem_buf(identity.certificate_pem.data(),
                             static_cast<int>(identity.certificate_pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context.get(), certificate);
  SSL_CTX_use_PrivateKey(context.get(), key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace

FakeIdentity MakeFakeIdentity() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), std::rand());
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("fake"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  FakeIdentity out;
  out.certificate_pem = PemOf([&](BIO* b) { PEM_write_bio_X509(b, certificate); });
  out.key_pem = PemOf(
      [&](BIO* b) { PEM_write_bio_PrivateKey(b, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

FakeConnection::FakeConnection(int fd, int index, ssl_ctx_st* tls) : fd_(fd), index_(index) {
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd);
  good_ = SSL_accept(ssl_) == 1;
}

FakeConnection::~FakeConnection() {
  if (ssl_ != nullptr) SSL_free(ssl_);
}

std::size_t FakeConnection::Receive(char* data, std::size_t size) {
  const auto got = ssl_ != nullptr ? SSL_read(ssl_, data, static_cast<int>(size))
                                   : static_cast<int>(recv(fd_, data, size, 0));
  return got > 0 ? got : 0;
}

std::string FakeConnection::ReadRequest() {
  std::size_t need = std::string::npos;
  while (true) {
    const auto head = buffer_.find("\r\n\r\n");
    if (head != std::string::npos && need == std::string::npos) {
      const auto length = buffer_.find("Content-Length: ");
      need = head + 4;
      if (length < head) need += std::strtoul(buffer_.c_str() + length + 16, nullptr, 10);
    }
    if (need != std::string::npos && buffer_.size() >= need) {
      std::string request = buffer_.substr(0, need);
      buffer_.erase(0, need);
      return request;
    }
    char chunk[4096];
    const std::size_t got = Receive(chunk, sizeof chunk);
    if (got == 0) return "";
    buffer_.append(chunk, got);
  }
}

void FakeConnection::Send(const std::string& bytes) {
  if (ssl_ != nullptr) {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  } else {
    // A client that is gone is part of the script.
    [[maybe_unused]] const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
}

void FakeConnection::Answer(int status, const std::string& body, const std::string& headers) {
  Send("HTTP/1.1 " + std::to_string(status) +
       " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
}

void FakeConnection::BeginChunked() {
  Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void FakeConnection::SendChunk(const std::string& bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  Send(size + bytes + "\r\n");
}

void FakeConnection::WaitClosed() {
  char chunk[256];
  while (Receive(chunk, sizeof chunk) > 0) {
  }
}

void FakeConnection::PassOn(int port) {
  const int other = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  pollfd ends[] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
  char chunk[4096];
  bool open = connect(other, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  while (open) {
    const bool held = ssl_ != nullptr && SSL_pending(ssl_) > 0;
    if (!held && poll(ends, 2, -1) < 0) break;
    if (held || ends[0].revents != 0) {
      const std::size_t got = Receive(chunk, sizeof chunk);
      open = got > 0 && send(other, chunk, got, MSG_NOSIGNAL) == static_cast<ssize_t>(got);
    }
    if (open && !held && ends[1].revents != 0) {
      const auto got = recv(other, chunk, sizeof chunk, 0);
      open = got > 0;
      if (open) Send(std::string(chunk, static_cast<std::size_t>(got)));
    }
  }
  close(other);
}

FakeServer::FakeServer(Script script, const FakeIdentity* tls)
    : script_(std::move(script)), is_tls_(tls != nullptr) {
  std::signal(SIGPIPE, SIG_IGN);
  if (tls != nullptr) tls_ = MakeContext(*tls);
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeServer::~FakeServer() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
}

void FakeServer::Accept() {
  while (true) {
    const int fd = accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const int index = connections_++;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd, index, tls = tls_] {
      {
        FakeConnection connection(fd, index, tls.get());
        if (connection.good()) script_(connection);
      }
      const std::lock_guard done(mutex_);
      std::erase(open_, fd);
      close(fd);
    });
  }
}

std::string FakeServer::url() const {
  return (is_tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<std::string> FakeServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeServer::Record(const std::string& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
}

void FakeServer::SetIdentity(const FakeIdentity& identity) {
  auto context = MakeContext(identity);
  const std::lock_guard lock(mutex_);
  tls_ = std::move(context);
}

}  // namespace penstock::net
