// An outside source in a bucket, for whoever reads one: s3://bucket/key is a file, s3://bucket/a/b/
// the folder of all objects below a/b/. Which store and whose keys the variables say that Amazon's
// own programs know:
//
//   AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL   another store than Amazon's
//   AWS_REGION, AWS_DEFAULT_REGION          us-east-1 where neither is set
//   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE
//   AWS_CA_BUNDLE, and HTTPS_PROXY and its like
//
// gs://bucket/key is Google's, by its S3 interface: GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY (an
// HMAC key), GS_CA_BUNDLE, and GS_ENDPOINT_URL for what stands in for it. Amazon's variables are
// not looked at: they are another store's.
//
// Without keys and a role it is asked as anybody. Blocks; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/fetch/source.h"
#include "operator/s3/client.h"

namespace penstock::s3 {

struct SourceUri {
  std::string bucket;
  std::string key;  // or the prefix of a folder: empty, or with a "/" at its end
  bool folder = false;
  bool google = false;  // gs://
};

// s3:// and gs://.
[[nodiscard]] bool IsS3Uri(const std::string& uri);

// What no URI holds, a space such as, stands as % and two hex digits. Invalid for a URI without a
// bucket, and for one with a query: versions are not read.
[[nodiscard]] Result<SourceUri> ParseS3Uri(const std::string& uri);

using fetch::SourceObject;
using fetch::SourceSettings;

// Asks one bucket by those variables.
struct SourceAsker {
  std::unique_ptr<Client> client;
  bool anonymous = false;  // without keys
  bool google = false;
};
[[nodiscard]] Result<SourceAsker> AskerOf(const SourceUri& uri, const SourceSettings& settings);
// With what a step can do about it, where it was refused for want of keys.
[[nodiscard]] Error Explained(Error error, const SourceAsker& asker);

// The bucket of a URI, whatever its key.
[[nodiscard]] Result<std::unique_ptr<fetch::SourceStore>> OpenSource(
    const SourceUri& uri, const SourceSettings& settings);

// As fetch/source.h. Invalid for no such bucket and for keys that are none too.
[[nodiscard]] Result<std::vector<SourceObject>> FetchSource(const SourceUri& uri,
                                                            const std::filesystem::path& target,
                                                            const SourceSettings& settings);

// What identifies what was read: of a file as of any answer over HTTP (protocol/task.h), of a
// folder a digest over those of its objects; empty where nothing does. Pure.
[[nodiscard]] std::string FingerprintOf(const SourceUri& uri,
                                        const std::vector<SourceObject>& objects);

}  // namespace penstock::s3
