#include "operator/sources/as_seen_in.h"

#include "operator/net/resolver.h"
#include "operator/net/url.h"

namespace penstock::sources {

std::string AsSeenIn(const std::string& ns, const std::string& uri) {
  const auto url = net::ParseUrl(uri);
  if (!url || url->host == "localhost" || net::IsNumericAddress(url->host) ||
      url->host.find('.') != std::string::npos)
    return uri;
  std::string out = uri;
  return out.insert(uri.find("://") + 3 + url->host.size(), "." + ns + ".svc");
}

}  // namespace penstock::sources
