// A router on loopback behind TLS and tokens, with a client that speaks TLS.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "components/router/edge/testing/signing.h"
#include "components/router/proxy/testing/router_fixture.h"
#include "operator/base/file.h"

namespace penstock::router {

// A client under TLS that trusts whatever it is shown, and says what that was.
class SecureClient {
 public:
  explicit SecureClient(std::uint16_t port, int most = TLS1_3_VERSION,
                        const std::string& alpn = "") {
    std::signal(SIGPIPE, SIG_IGN);
    connection_ = ConnectTo(port);
    if (!connection_) return;
    timeval wait{10, 0};
    setsockopt(connection_->fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    SSL_CTX_set_max_proto_version(context_.get(), most);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    if (!alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    SSL_set_fd(ssl_.get(), connection_->fd());
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] std::string CommonName() const {
    X509* const shown = SSL_get0_peer_certificate(ssl_.get());
    char name[64] = "";
    if (shown != nullptr)
      X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    return name;
  }
  [[nodiscard]] std::string Protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  bool Send(const std::string& bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // One message by its Content-Length; what came until the end, where it ends before.
  [[nodiscard]] std::string Read() {
    std::string message;
    std::size_t whole = std::string::npos;
    while (message.size() < whole && More(&message)) {
      const auto head = message.find("\r\n\r\n");
      const auto length = message.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos)
        whole = head + 4 + std::stoul(message.substr(length + 16));
    }
    return message;
  }
  [[nodiscard]] std::string Ask(const std::string& request) {
    return Send(request) ? Read() : "not sent";
  }
  // The end was told, not cut off.
  [[nodiscard]] bool EndsInOrder() {
    std::string rest;
    while (More(&rest)) {
    }
    return rest.empty() && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

 private:
  bool More(std::string* message) {
    char piece[8192];
    const int n = SSL_read(ssl_.get(), piece, sizeof piece);
    if (n > 0) message->append(piece, static_cast<std::size_t>(n));
    ERR_clear_error();
    return n > 0;
  }
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
};

class Edge : public RouterTest {
 protected:
  Edge() {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "penstock-edge-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.look_every = std::chrono::milliseconds(10);
    options_.threads = 1;
  }
  ~Edge() override {
    router_ = nullptr;
    std::filesystem::remove_all(folder_);
  }
  void Put(const std::string& file, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / file, text));
  }
  void PutCertificate(const std::string& common_name, const TestKey& key = NewEcKey(),
                      std::chrono::seconds until = std::chrono::hours(1)) {
    Put("tls.crt", CertificateOf(key, common_name, until));
    Put("tls.key", PemOf(key));
  }
  void AskForTls() { route_.tls = {"flights-tls", folder_ / "tls.crt", folder_ / "tls.key"}; }
  // Tokens of key_ as "k", from a file.
  void AskForTokens() {
    Put("jwks.json", Json{{"keys", {JwkOf(key_, "k")}}}.dump());
    route_.tokens = {"https://issuer",
                     {"flights"},
                     "",
                     folder_ / "jwks.json",
                     "ConfigMap issuer, key jwks.json"};
  }
  [[nodiscard]] static std::string Bearer(const TestKey& key, std::int64_t seconds,
                                          const std::string& id = "k") {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    return "Authorization: Bearer " +
           TokenOf({{"alg", "ES256"}, {"kid", id}},
                   {{"iss", "https://issuer"}, {"aud", "flights"}, {"exp", now + seconds}}, key) +
           "\r\n";
  }
  [[nodiscard]] EdgeView View() const { return router_->Look().routes->deployments.at(0)->edge; }

  std::filesystem::path folder_;
  TestKey key_ = NewEcKey();
};

class EdgeTokens : public Edge {};

}  // namespace penstock::router
