#include "operator/s3/source.h"

#include "operator/base/file.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/net/proxy.h"

namespace penstock::s3 {
namespace {

constexpr std::uint64_t kMaxCaBytes = 16ULL << 20;
constexpr const char* kGoogle = "https://storage.googleapis.com";

const SystemClock kSystemClock;

// By which variables a bucket of which scheme is asked.
struct Words {
  const char* id;
  const char* secret;
};
constexpr Words kAmazons{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"};
constexpr Words kGoogles{"GS_ACCESS_KEY_ID", "GS_SECRET_ACCESS_KEY"};

Result<void> CheckPair(const SourceSettings& settings, const Words& words) {
  const bool id = !VariableOf(settings, {words.id}).empty();
  const bool secret = !VariableOf(settings, {words.secret}).empty();
  if (id == secret) return {};
  return Invalid(std::string("the step's env has ") + (id ? words.id : words.secret) + " and no " +
                 (id ? words.secret : words.id) + "; give both, from a Secret");
}

// Keys or a role by the variables; neither: nobody's, and `anonymous` is set.
Result<std::shared_ptr<Credentials>> KeysOf(const SourceSettings& settings,
                                            const BucketSettings& bucket, bool& anonymous) {
  PENSTOCK_TRY(CheckPair(settings, kAmazons));
  anonymous = VariableOf(settings, {"AWS_ACCESS_KEY_ID"}).empty() &&
              VariableOf(settings, {"AWS_ROLE_ARN"}).empty();
  if (anonymous) return std::shared_ptr<Credentials>(FixedKeys({}));
  WebIdentity identity;
  identity.region = bucket.region;
  identity.ca_pem = bucket.ca_pem;
  PENSTOCK_ASSIGN(auto keys, KeysOfEnvironment(settings.environment, identity, kSystemClock));
  return std::shared_ptr<Credentials>(std::move(keys));
}

// Google's: an HMAC key of a service account. Amazon's variables are another store's.
Result<std::shared_ptr<Credentials>> GoogleKeysOf(const SourceSettings& settings, bool& anonymous) {
  PENSTOCK_TRY(CheckPair(settings, kGoogles));
  const auto id = VariableOf(settings, {kGoogles.id});
  anonymous = id.empty();
  return std::shared_ptr<Credentials>(FixedKeys({id, VariableOf(settings, {kGoogles.secret}), ""}));
}

// Where a bucket lies, but for its name and keys.
Result<void> TellPlace(bool google, const SourceSettings& settings, BucketSettings& bucket) {
  if (google) {
    bucket.scheme = "gs";
    bucket.region = "auto";
    bucket.endpoint = VariableOf(settings, {"GS_ENDPOINT_URL"});
    if (bucket.endpoint.empty()) bucket.endpoint = kGoogle;
  } else {
    bucket.endpoint = VariableOf(settings, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
    const auto region = VariableOf(settings, {"AWS_REGION", "AWS_DEFAULT_REGION"});
    if (!region.empty()) bucket.region = region;
  }
  const char* authorities = google ? "GS_CA_BUNDLE" : "AWS_CA_BUNDLE";
  if (const auto path = VariableOf(settings, {authorities}); !path.empty()) {
    auto pem = penstock::ReadFile(path, kMaxCaBytes);
    if (!pem) return Invalid(std::string(authorities) + ": " + pem.error().message);
    bucket.ca_pem = *std::move(pem);
  }
  auto url = net::ParseUrl(EndpointOf(bucket));
  if (!url)
    return Invalid(std::string(google ? "GS" : "AWS") + "_ENDPOINT_URL: " + url.error().message);
  PENSTOCK_ASSIGN(bucket.proxy, net::ProxyFromEnvironment(*url, settings.environment));
  return {};
}

class Bucket : public fetch::SourceStore {
 public:
  explicit Bucket(SourceAsker asker) : asker_(std::move(asker)) {}

  [[nodiscard]] std::string Name(const std::string& key) const override {
    return asker_.client->Name(key);
  }
  [[nodiscard]] Result<SourceObject> Get(const std::string& key, const std::string& etag,
                                         const fetch::Sink& sink, std::stop_token stop) override {
    Client::Range range;
    range.etag = etag;
    const auto info = asker_.client->Get(key, range, sink, std::move(stop));
    if (!info) return Explained(info.error(), asker_);
    return SourceObject{key, info->size, info->etag, info->version};
  }
  [[nodiscard]] Result<Page> List(const std::string& prefix, const std::string& token, int most,
                                  std::stop_token stop) override {
    ListOptions options;
    options.prefix = prefix;
    options.token = token;
    options.most = most;
    auto listed = asker_.client->List(options, std::move(stop));
    if (!listed) return Explained(listed.error(), asker_);
    Page page;
    page.next = std::move(listed->next);
    for (auto& object : listed->objects)
      page.objects.push_back({std::move(object.key), object.size, std::move(object.etag), ""});
    return page;
  }

 private:
  const SourceAsker asker_;
};

}  // namespace

bool IsS3Uri(const std::string& uri) {
  return uri.starts_with("s3://") || uri.starts_with("gs://");
}

Result<SourceUri> ParseS3Uri(const std::string& uri) {
  if (!IsS3Uri(uri)) return Invalid("is neither s3://bucket/key nor gs://bucket/key");
  SourceUri out;
  out.google = uri.starts_with("gs");
  constexpr std::size_t kBegin = 5;  // behind s3://
  const std::size_t slash = uri.find('/', kBegin);
  out.bucket = uri.substr(kBegin, slash - kBegin);
  if (slash != std::string::npos) out.key = uri.substr(slash + 1);
  const std::string scheme = uri.substr(0, kBegin);
  if (out.bucket.empty())
    return Invalid("names no bucket: " + scheme + "bucket/key, or " + scheme + "bucket/folder/");
  if (out.key.find_first_of("?#") != std::string::npos) {
    return Invalid(
        "has a ? or #: of an object the newest version is read; within a key they are written %3F "
        "and %23");
  }
  out.key = fetch::KeyOfUri(out.key);
  out.folder = out.key.empty() || out.key.ends_with('/');
  return out;
}

Result<SourceAsker> AskerOf(const SourceUri& uri, const SourceSettings& settings) {
  BucketSettings bucket;
  bucket.bucket = uri.bucket;
  bucket.first_pause = settings.first_pause;
  bucket.least_bytes = settings.least_bytes;
  bucket.least_in = settings.least_in;
  bucket.ca_pem = settings.ca_pem;
  PENSTOCK_TRY(TellPlace(uri.google, settings, bucket));
  SourceAsker asker;
  asker.google = uri.google;
  PENSTOCK_ASSIGN(auto keys, uri.google ? GoogleKeysOf(settings, asker.anonymous)
                                        : KeysOf(settings, bucket, asker.anonymous));
  PENSTOCK_ASSIGN(asker.client, Client::Make(std::move(bucket), std::move(keys), kSystemClock));
  return asker;
}

Error Explained(Error error, const SourceAsker& asker) {
  if (error.kind == ErrorKind::kForbidden && asker.anonymous) {
    error.message +=
        asker.google
            ? "; it was asked without keys: the step's env has no GS_ACCESS_KEY_ID and "
              "GS_SECRET_ACCESS_KEY (an HMAC key of a service account), which a Secret may give"
            : "; it was asked without keys: the step's env has neither AWS_ACCESS_KEY_ID and "
              "AWS_SECRET_ACCESS_KEY, which a Secret may give, nor a role (AWS_ROLE_ARN)";
  }
  return error;
}

Result<std::unique_ptr<fetch::SourceStore>> OpenSource(const SourceUri& uri,
                                                       const SourceSettings& settings) {
  PENSTOCK_ASSIGN(auto asker, AskerOf(uri, settings));
  return std::unique_ptr<fetch::SourceStore>(new Bucket(std::move(asker)));
}

Result<std::vector<SourceObject>> FetchSource(const SourceUri& uri,
                                              const std::filesystem::path& target,
                                              const SourceSettings& settings) {
  PENSTOCK_ASSIGN(const auto store, OpenSource(uri, settings));
  return fetch::ReadSource(*store, uri.key, uri.folder, target, settings);
}

std::string FingerprintOf(const SourceUri& uri, const std::vector<SourceObject>& objects) {
  return fetch::FingerprintOf(uri.folder, objects);
}

}  // namespace penstock::s3
