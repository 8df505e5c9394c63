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
#include "operator/s3/client.h"

namespace penstock::s3 {

struct SourceUri {
  std::string bucket;
  std::string key;  // or the prefix of a folder: empty, or with a "/" at its end
  bool folder = false;
};

[[nodiscard]] bool IsS3Uri(const std::string& uri);

// What no URI holds, a space such as, stands as % and two hex digits. Invalid for a URI without a
// bucket, and for one with a query: versions are not read.
[[nodiscard]] Result<SourceUri> ParseS3Uri(const std::string& uri);

struct SourceSettings {
  std::map<std::string, std::string> environment = {};
  std::string ca_pem = {};  // trusted where AWS_CA_BUNDLE names none; empty: the system's roots
  std::uint64_t max_bytes = UINT64_MAX;  // of all that is read
  bool flat = false;  // a folder within the folder is an error, before it is read
  // An object that hardly comes on is given up (BucketSettings); 1 KiB a second.
  std::uint64_t least_bytes = 60 * 1024;
  std::chrono::milliseconds least_in{60'000};
  std::chrono::milliseconds list_deadline{600'000};  // of a folder's list: no page after it
  std::chrono::milliseconds first_pause{200};
  std::stop_token stop = {};
};

// Asks one bucket by those variables.
struct SourceAsker {
  std::unique_ptr<Client> client;
  bool anonymous = false;  // without keys
};
[[nodiscard]] Result<SourceAsker> AskerOf(const std::string& bucket,
                                          const SourceSettings& settings);
// With what a step can do about it, where it was refused for want of keys.
[[nodiscard]] Error Explained(Error error, bool anonymous);

struct SourceObject {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;     // with its quotes
  std::string version;  // where the bucket keeps versions; of a folder's objects it is not asked
};

// Writes `target`, which must not exist: a file, or a folder with a file for each object by what
// its key has behind the prefix (an object that stands for a folder is none). Each object is read
// whole as it was when it was first seen (a folder's: when they were listed), after a break too:
// one that changes meanwhile is Transient. Gives what was read, by key. What an error leaves in
// `target` is the caller's to remove.
//
// Invalid for what will not pass by itself, with what to set: no such bucket, keys that are none, a
// key that cannot be a file's name; NotFound where there is no such object; kForbidden.
[[nodiscard]] Result<std::vector<SourceObject>> FetchSource(const SourceUri& uri,
                                                            const std::filesystem::path& target,
                                                            const SourceSettings& settings);

// What identifies what was read: of a file as of any answer over HTTP (protocol/task.h), of a
// folder a digest over those of its objects; empty where nothing does. Pure.
[[nodiscard]] std::string FingerprintOf(const SourceUri& uri,
                                        const std::vector<SourceObject>& objects);

}  // namespace penstock::s3
