// Requests to one container. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "operator/azure/account.h"
#include "operator/fetch/source.h"
#include "operator/net/http_client.h"
#include "operator/net/sigv4.h"
#include "operator/net/url.h"

namespace penstock::azure {

class Blobs : public fetch::SourceStore {
 public:
  // Invalid for an endpoint, an authority or a proxy that is none. `settings` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Blobs>> Make(Account account, std::string container,
                                                           const fetch::SourceSettings& settings);

  [[nodiscard]] std::string Name(const std::string& key) const override;
  [[nodiscard]] Result<fetch::SourceObject> Get(const std::string& key, const std::string& etag,
                                                const fetch::Sink& sink,
                                                std::stop_token stop) override;
  [[nodiscard]] Result<Page> List(const std::string& prefix, const std::string& token, int most,
                                  std::stop_token stop) override;

 private:
  Blobs(Account account, std::string container, const fetch::SourceSettings& settings, net::Url url,
        std::unique_ptr<net::HttpClient> http);
  // Signed, or with the SAS.
  [[nodiscard]] net::HttpRequest Ask(const std::string& key, const net::QueryParameters& query,
                                     net::Headers headers) const;
  [[nodiscard]] Error Refused(const std::string& asked, const net::HttpResponse& answer) const;

  const Account account_;
  const std::string container_;
  const fetch::SourceSettings& settings_;
  const net::Url url_;
  const std::unique_ptr<net::HttpClient> http_;
};

}  // namespace penstock::azure
