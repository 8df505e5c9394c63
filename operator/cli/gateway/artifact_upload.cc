#include "operator/cli/gateway/artifact_upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/cli/gateway/tunnel.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAnswer = "the gateway's answer";

Result<std::string> RequestToken(const Cluster& cluster, const Session& session) {
  // The account's token subresource, as `kubectl create token` uses it.
  const kube::ResourceType url{"", "v1", "serviceaccounts/default/token", "TokenRequest"};
  const Json request = {{"apiVersion", "authentication.k8s.io/v1"},
                        {"kind", "TokenRequest"},
                        {"spec", {{"audiences", {"penstock"}}, {"expirationSeconds", 3600}}}};
  const Result<Json> made =
      cluster.client->Create(url, cluster.namespace_, request, {.stop = session.interrupted});
  if (!made) {
    return Wrap("token of service account default in " + cluster.namespace_ +
                    " (or give one with --token-file)",
                made.error());
  }
  return made->value("status", Json::object()).value("token", "");
}

Result<fs::path> KeepToken(const std::string& token) {
  std::string path = (fs::temp_directory_path() / "penstock-token-XXXXXX").string();
  const int fd = mkstemp(path.data());  // readable by this user only
  if (fd < 0) return FromErrno("temporary file " + path, errno);
  const bool written = write(fd, token.data(), token.size()) == static_cast<ssize_t>(token.size());
  const int why = errno;
  close(fd);
  if (!written) return FromErrno("temporary file " + path, why);
  return fs::path(path);
}

}  // namespace

Gateway::Gateway() = default;

// By the URL that was given, else through a tunnel of our own.
Result<TaskStore> Gateway::Reach(const GatewayOptions& options, const Cluster& cluster,
                                 const Session& session) {
  TaskStore store;
  store.url = options.url.empty() ? session.Env("PENSTOCK_GATEWAY") : options.url;
  if (store.url.empty()) {
    Result<std::unique_ptr<Tunnel>> tunnel = Tunnel::Open(cluster, session);
    if (!tunnel) return tunnel.error();
    tunnel_ = *std::move(tunnel);
    store.url = tunnel_->url();
    return store;
  }
  const std::string ca =
      options.ca_file.empty() ? session.Env("PENSTOCK_GATEWAY_CA") : options.ca_file;
  if (ca.empty()) {
    return Internal("--gateway " + store.url +
                    " needs --ca-file: the authority of its certificate");
  }
  Result<std::string> pem = ReadFile(session.directory / ca);
  if (!pem) return Wrap("--ca-file", pem.error());
  store.ca_pem = *std::move(pem);
  return store;
}

Result<std::unique_ptr<Gateway>> Gateway::Open(const GatewayOptions& options,
                                               const Cluster& cluster, const Session& session) {
  std::unique_ptr<Gateway> gateway(new Gateway);
  Result<TaskStore> store = gateway->Reach(options, cluster, session);
  if (!store) return store.error();
  if (options.token_file.empty()) {
    const Result<std::string> token = RequestToken(cluster, session);
    if (!token) return token.error();
    Result<fs::path> kept = KeepToken(*token);
    if (!kept) return kept.error();
    gateway->own_token_ = *std::move(kept);
    store->token_file = gateway->own_token_.string();
  } else {
    store->token_file = (session.directory / options.token_file).string();
  }
  artifacts::TransportOptions transport;
  transport.namespace_ = cluster.namespace_;
  transport.deadline = std::chrono::seconds(60);
  transport.stop = session.interrupted;
  transport.vouched_channel = gateway->tunnel_ != nullptr;
  auto made = artifacts::MakeTransport(*store, transport);
  if (!made) return Wrap("gateway " + store->url, made.error());
  gateway->transport_ = *std::move(made);
  gateway->store_ = *std::move(store);
  gateway->stop_ = session.interrupted;
  return gateway;
}

Result<std::string> Gateway::AskText(const std::string& target) const {
  net::HttpRequest request;
  request.target = target;
  request.repeatable = true;
  return Send(std::move(request));
}

Result<Json> Gateway::Ask(const std::string& target) const {
  PENSTOCK_ASSIGN(const std::string body, AskText(target));
  return ParseJson(body, kAnswer);
}

Result<Json> Gateway::Tell(const std::string& target, const Json& body) const {
  net::HttpRequest request;
  request.method = "POST";
  request.target = target;
  request.body = body.dump();
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("X-Penstock-Request", "1");
  PENSTOCK_ASSIGN(const std::string answer, Send(std::move(request)));
  return ParseJson(answer, kAnswer);
}

Result<std::string> Gateway::Send(net::HttpRequest request) const {
  net::HttpClientOptions options;
  options.tls.ca_pem = store_.ca_pem;
  options.tls.insecure = tunnel_ != nullptr;  // TransportOptions::vouched_channel
  auto client = net::HttpClient::Make(store_.url, options);
  if (!client) return Wrap("gateway " + store_.url, client.error());
  const Result<std::string> token = ReadFile(store_.token_file);
  if (!token) return Wrap("--token-file", token.error());
  request.headers.emplace_back("Authorization",
                               "Bearer " + token->substr(0, token->find_last_not_of(" \r\n") + 1));
  net::Limits limits;
  limits.idle = std::chrono::seconds(30);
  limits.stop = stop_;
  const auto answer = (*client)->Send(request, limits);
  if (!answer) return Wrap("gateway " + store_.url, answer.error());
  if (answer->Good()) return answer->body;
  PENSTOCK_ASSIGN(const Json body, ParseJson(answer->body, kAnswer));
  const Json error = body.is_object() ? body.value("error", Json()) : Json();
  Error refused = Internal("the gateway answers with status " + std::to_string(answer->status) +
                           ": " + (error.is_object() ? error.value("message", "") : error.dump()));
  if (answer->status == 404) refused.kind = ErrorKind::kNotFound;
  if (answer->status == 401 || answer->status == 403) refused.kind = ErrorKind::kForbidden;
  return refused;
}

Gateway::~Gateway() {
  std::error_code ignored;
  if (!own_token_.empty()) fs::remove(own_token_, ignored);
}

}  // namespace penstock::cli
