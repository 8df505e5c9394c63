// Requests of the WebHDFS REST API (Apache Hadoop): GETFILESTATUS, LISTSTATUS, and OPEN, which a
// NameNode answers with where the bytes are. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/fetch/source.h"
#include "operator/net/http_client.h"
#include "operator/net/sigv4.h"
#include "operator/net/url.h"

namespace penstock::hdfs {

struct WebHdfsSettings {
  net::Url name_node;
  std::string user = {};
  std::string token = {};
  std::string ca_pem = {};
};

class WebHdfs : public fetch::SourceStore {
 public:
  // `settings` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<WebHdfs>> Make(WebHdfsSettings own,
                                                             const fetch::SourceSettings& settings);

  // "webhdfs://host:port/path".
  [[nodiscard]] std::string Name(const std::string& key) const override;
  // The ETag is made of a file's id, its time and its length.
  [[nodiscard]] Result<fetch::SourceObject> Get(const std::string& key, const std::string& etag,
                                                const fetch::Sink& sink,
                                                std::stop_token stop) override;
  // All at once: the folder and those within it, one after the other.
  [[nodiscard]] Result<Page> List(const std::string& prefix, const std::string& token, int most,
                                  std::stop_token stop) override;
  [[nodiscard]] std::string ListedBy(const std::string& prefix) const override;

 private:
  WebHdfs(WebHdfsSettings own, const fetch::SourceSettings& settings,
          std::unique_ptr<net::HttpClient> http);
  [[nodiscard]] Result<std::unique_ptr<net::HttpClient>> ClientOf(const net::Url& url) const;
  [[nodiscard]] std::string Target(const std::string& key, const std::string& operation,
                                   net::QueryParameters more) const;
  [[nodiscard]] std::string WithoutToken(std::string text) const;
  [[nodiscard]] Error Refused(const std::string& asked, const net::HttpResponse& answer) const;
  [[nodiscard]] Result<Json> Ask(const std::string& key, const std::string& operation,
                                 const std::stop_token& stop) const;
  [[nodiscard]] Result<fetch::SourceObject> Status(const std::string& key,
                                                   const std::stop_token& stop) const;
  struct Place {
    net::Url url;
    bool told = true;  // by the NameNode; else it has the bytes itself
  };
  [[nodiscard]] Result<Place> WhereToOpen(const std::string& key, std::uint64_t offset) const;
  [[nodiscard]] Result<void> OpenOnce(const fetch::SourceObject& meant, std::uint64_t offset,
                                      const fetch::Sink& sink) const;

  const WebHdfsSettings own_;
  const fetch::SourceSettings& settings_;
  const std::unique_ptr<net::HttpClient> http_;  // the NameNode's
};

}  // namespace penstock::hdfs
