// A registry of one repository, team/model, in this process: token or basic login, ranges, and
// transfers that break. For tests only.
#pragma once

#include <atomic>
#include <map>
#include <string>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::oci {

class FakeRegistry {
 public:
  enum class Wants { kNothing, kToken, kBasic };

  explicit FakeRegistry(Wants wants = Wants::kNothing) : wants_(wants) {}

  // Its digest.
  std::string Put(const std::string& blob) {
    const std::string digest = "sha256:" + Sha256Hex(blob);
    blobs_[digest] = blob;
    return digest;
  }
  // A descriptor of the blob, which is put.
  Json Layer(const std::string& blob, const std::string& type, const Json& annotations = {}) {
    Json layer{{"digest", Put(blob)}, {"size", blob.size()}, {"mediaType", type}};
    if (!annotations.is_null()) layer["annotations"] = annotations;
    return layer;
  }
  // A manifest, which is put; its digest.
  std::string Manifest(const Json& layers, const std::string& config_type) {
    return Put(Json{
        {"schemaVersion", 2},
        {"config", {{"mediaType", config_type}, {"digest", Put("{}")}, {"size", 2}}},
        {"layers",
         layers}}.dump());
  }
  void Damage(const std::string& digest) { blobs_[digest].back() ^= 1; }
  // So many transfers of blobs end after half of what they should send.
  void Cut(int transfers) { cuts_ = transfers; }

  // "localhost:port/team/model"
  [[nodiscard]] std::string Name() const {
    return server_.url().substr(std::string("http://").size()) + "/team/model";
  }
  [[nodiscard]] std::vector<std::string> requests() const { return server_.requests(); }

 private:
  void Serve(net::FakeConnection& c) {
    const std::string request = c.ReadRequest();
    server_.Record(request);
    const auto has = [&](const std::string& text) { return request.find(text) != request.npos; };
    // user:secret
    const bool basic = has("Authorization: Basic dXNlcjpzZWNyZXQ=\r\n");
    if (request.starts_with("GET /token?scope=repository%3Ateam%2Fmodel%3Apull&service=r "))
      return basic ? c.Answer(200, R"({"token":"t0k"})") : c.Answer(401, "");
    if (wants_ == Wants::kToken && !has("Authorization: Bearer t0k\r\n"))
      return c.Answer(
          401, "",
          "WWW-Authenticate: Bearer realm=\"" + server_.url() + "/token\",service=\"r\"\r\n");
    if (wants_ == Wants::kBasic && !basic)
      return c.Answer(401, "", "WWW-Authenticate: Basic realm=\"r\"\r\n");
    for (const std::string kind : {"manifests", "blobs"}) {
      const std::string path = "GET /v2/team/model/" + kind + "/";
      if (!request.starts_with(path)) continue;
      const std::string digest = request.substr(path.size(), 71);
      if (const auto it = blobs_.find(digest); it != blobs_.end())
        return Give(c, it->second, request);
    }
    c.Answer(404, "{}");
  }

  void Give(net::FakeConnection& c, const std::string& blob, const std::string& request) {
    const std::string mark = "Range: bytes=";
    const auto at = request.find(mark);
    const std::size_t from =
        at == std::string::npos ? 0 : std::stoul(request.substr(at + mark.size()));
    const std::string rest = blob.substr(std::min(from, blob.size()));
    std::string head = from == 0 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 206 Partial Content\r\n";
    if (from > 0)
      head += "Content-Range: bytes " + std::to_string(from) + "-" +
              std::to_string(blob.size() - 1) + "/" + std::to_string(blob.size()) + "\r\n";
    head += "Content-Length: " + std::to_string(rest.size()) + "\r\n\r\n";
    const bool cut = request.find("/blobs/") != std::string::npos && cuts_.fetch_sub(1) > 0;
    c.Send(head + (cut ? rest.substr(0, rest.size() / 2) : rest));
  }

  const Wants wants_;
  std::map<std::string, std::string> blobs_;
  std::atomic<int> cuts_{0};
  net::FakeServer server_{[this](net::FakeConnection& c) { Serve(c); }};
};

}  // namespace penstock::oci
