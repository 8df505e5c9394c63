#include "operator/s3/source.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/net/proxy.h"
#include "operator/protocol/task.h"

namespace penstock::s3 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "s3://";
constexpr std::size_t kMostObjects = 100'000;
constexpr std::size_t kMostReaders = 8;  // objects of a folder at a time
constexpr std::uint64_t kMaxCaBytes = 16ULL << 20;

const SystemClock kSystemClock;

std::string VariableOf(const SourceSettings& settings, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = settings.environment.find(name);
    if (found != settings.environment.end() && !found->second.empty()) return found->second;
  }
  return "";
}

// Keys or a role by the variables; neither: nobody's, and `anonymous` is set.
Result<std::shared_ptr<Credentials>> KeysOf(const SourceSettings& settings,
                                            const BucketSettings& bucket, bool& anonymous) {
  const bool id = !VariableOf(settings, {"AWS_ACCESS_KEY_ID"}).empty();
  const bool secret = !VariableOf(settings, {"AWS_SECRET_ACCESS_KEY"}).empty();
  if (id != secret) {
    return Invalid(std::string("the step's env has ") +
                   (id ? "AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY"
                       : "AWS_SECRET_ACCESS_KEY and no AWS_ACCESS_KEY_ID") +
                   "; give both, from a Secret");
  }
  anonymous = !id && VariableOf(settings, {"AWS_ROLE_ARN"}).empty();
  if (anonymous) return std::shared_ptr<Credentials>(FixedKeys({}));
  WebIdentity identity;
  identity.region = bucket.region;
  identity.ca_pem = bucket.ca_pem;
  PENSTOCK_ASSIGN(auto keys, KeysOfEnvironment(settings.environment, identity, kSystemClock));
  return std::shared_ptr<Credentials>(std::move(keys));
}

// Reads one source.
class Reader {
 public:
  Reader(SourceUri uri, const SourceSettings& settings)
      : uri_(std::move(uri)), settings_(settings) {}

  Result<std::vector<SourceObject>> Read(const fs::path& target) {
    PENSTOCK_ASSIGN(auto asker, AskerOf(uri_.bucket, settings_));
    client_ = std::move(asker.client);
    auto read = uri_.folder ? ReadFolder(target) : ReadFile(target);
    if (!read) return Explained(read.error(), asker.anonymous);
    return read;
  }

 private:
  Result<std::vector<SourceObject>> ReadFile(const fs::path& target) {
    auto read = ReadObject(uri_.key, "", target);
    if (read) return std::vector<SourceObject>{*std::move(read)};
    Error error = read.error();
    if (error.kind == ErrorKind::kNotFound) {
      ListOptions below;
      below.prefix = uri_.key + "/";
      below.most = 1;
      const auto page = client_->List(below, settings_.stop);
      if (page && !page->objects.empty())
        error.message += "; there are objects below it: " + client_->Name(below.prefix) +
                         " is all of them as a folder";
    }
    return error;
  }

  Result<SourceObject> ReadObject(const std::string& key, const std::string& etag,
                                  const fs::path& target) {
    errno = 0;
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    std::uint64_t bytes = 0;
    const auto take = [&](std::string_view piece) -> Result<void> {
      bytes += piece.size();
      if ((all_bytes_ += piece.size()) > settings_.max_bytes) return TooLarge();
      out.write(piece.data(), std::streamsize(piece.size()));
      return out.good() ? Result<void>() : FromErrno("writing " + target.string(), Reason());
    };
    Client::Range range;
    range.etag = etag;
    auto info = client_->Get(key, range, take, settings_.stop);
    if (!info) return info.error();
    out.close();
    if (out.fail()) return FromErrno("writing " + target.string(), Reason());
    if (bytes != info->size) {
      return Transient(client_->Name(key) + ": " + std::to_string(bytes) + " of " +
                       std::to_string(info->size) + " bytes came");
    }
    return SourceObject{key, info->size, info->etag, info->version};
  }

  static int Reason() { return errno != 0 ? errno : EIO; }

  [[nodiscard]] Error TooLarge() const {
    return Invalid(client_->Name(uri_.key) + ": more than maxBytes, " +
                   std::to_string(settings_.max_bytes));
  }

  Result<std::vector<SourceObject>> ReadFolder(const fs::path& target) {
    PENSTOCK_ASSIGN(auto objects, ListAll());
    std::error_code error;
    fs::create_directories(target, error);
    if (error) return FromErrno(target.string(), error.value());
    for (const auto& object : objects) {
      fs::create_directories((target / object.key.substr(uri_.key.size())).parent_path(), error);
      if (error)
        return Invalid(client_->Name(object.key) + ": its folder is another object's name; " +
                       error.message());
    }
    PENSTOCK_TRY(ReadAll(objects, target));
    return objects;
  }

  // The objects below the prefix, by key, each of which can be a file.
  Result<std::vector<SourceObject>> ListAll() {
    std::vector<SourceObject> objects;
    std::uint64_t bytes = 0;
    ListOptions options;
    options.prefix = uri_.key;
    const auto end = std::chrono::steady_clock::now() + settings_.list_deadline;
    do {
      if (!options.token.empty() && std::chrono::steady_clock::now() > end)
        return Transient(client_->Name(uri_.key) + ": its list has no end within " +
                         FormatDuration(settings_.list_deadline));
      PENSTOCK_ASSIGN(const Page page, client_->List(options, settings_.stop));
      for (const auto& listed : page.objects) {
        if (listed.key.ends_with('/') || !listed.key.starts_with(uri_.key)) continue;
        PENSTOCK_TRY(CheckName(listed.key));
        // Some stores list it without the quotes that it has in a header.
        const bool bare = !listed.etag.empty() && !listed.etag.starts_with('"');
        objects.push_back(
            {listed.key, listed.size, bare ? '"' + listed.etag + '"' : listed.etag, ""});
        bytes += listed.size;
      }
      if (objects.size() > kMostObjects)
        return Invalid(client_->Name(uri_.key) +
                       ": more than 100000 objects; name a folder within it");
      if (bytes > settings_.max_bytes) return TooLarge();
      options.token = page.next;
    } while (!options.token.empty());
    if (objects.empty()) {
      return NotFound(client_->Name(uri_.key) + ": there is no object whose key begins so");
    }
    // Buckets but those of directories are listed so; the rest of us relies on it.
    std::sort(objects.begin(), objects.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return objects;
  }

  // What a key has behind the prefix, as a path within the folder.
  [[nodiscard]] Result<void> CheckName(const std::string& key) const {
    const std::string rest = key.substr(uri_.key.size());
    if (settings_.flat && rest.starts_with("_delta_log/")) {
      return Invalid(client_->Name(uri_.key) + ": is a Delta table, some of whose files may hold " +
                     "rows of its past: read it as delta+" + client_->Name(uri_.key));
    }
    if (settings_.flat && rest.find('/') != std::string::npos) {
      return Invalid(client_->Name(key) +
                     ": a folder within the folder; partitions by folder are "
                     "not read: name one of them");
    }
    std::size_t begin = 0;
    while (begin <= rest.size()) {
      const std::size_t end = std::min(rest.find('/', begin), rest.size());
      const std::string part = rest.substr(begin, end - begin);
      if (part.empty() || part == "." || part == ".." || part.size() > 255 ||
          part.find('\0') != std::string::npos) {
        return Invalid(client_->Name(key) + ": its key cannot be the name of a file");
      }
      begin = end + 1;
    }
    return {};
  }

  // Several at a time; the first error ends all.
  Result<void> ReadAll(std::vector<SourceObject>& objects, const fs::path& target) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> problem;
    const auto work = [&] {
      for (;;) {
        const std::size_t i = next++;
        if (i >= objects.size()) return;
        const auto& object = objects[i];
        auto read =
            ReadObject(object.key, object.etag, target / object.key.substr(uri_.key.size()));
        const std::lock_guard lock(mutex);
        if (problem) return;
        if (read) {
          objects[i].size = read->size;
          objects[i].etag = read->etag;
          continue;
        }
        problem = read.error();
        next = objects.size();
        return;
      }
    };
    {
      std::vector<std::jthread> readers;
      for (std::size_t i = 0; i < std::min(kMostReaders, objects.size()); ++i)
        readers.emplace_back(work);
    }
    if (problem) return *problem;
    return {};
  }

  const SourceUri uri_;
  const SourceSettings& settings_;
  std::unique_ptr<Client> client_;
  std::atomic<std::uint64_t> all_bytes_{0};
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "%EA%B0%80" -> the bytes; a lone % stays.
std::string Decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                       HexDigit(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

}  // namespace

bool IsS3Uri(const std::string& uri) { return uri.starts_with(kScheme); }

Result<SourceUri> ParseS3Uri(const std::string& uri) {
  if (!IsS3Uri(uri)) return Invalid("is not s3://bucket/key");
  SourceUri out;
  const std::size_t slash = uri.find('/', kScheme.size());
  out.bucket = uri.substr(kScheme.size(), slash - kScheme.size());
  if (slash != std::string::npos) out.key = uri.substr(slash + 1);
  if (out.bucket.empty())
    return Invalid("names no bucket: s3://bucket/key, or s3://bucket/folder/");
  if (out.key.find_first_of("?#") != std::string::npos) {
    return Invalid(
        "has a ? or #: of an object the newest version is read; within a key they are written %3F "
        "and %23");
  }
  out.key = Decoded(out.key);
  out.folder = out.key.empty() || out.key.ends_with('/');
  return out;
}

Result<SourceAsker> AskerOf(const std::string& name, const SourceSettings& settings) {
  BucketSettings bucket;
  bucket.bucket = name;
  bucket.endpoint = VariableOf(settings, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  const auto region = VariableOf(settings, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (!region.empty()) bucket.region = region;
  bucket.first_pause = settings.first_pause;
  bucket.least_bytes = settings.least_bytes;
  bucket.least_in = settings.least_in;
  bucket.ca_pem = settings.ca_pem;
  if (const auto path = VariableOf(settings, {"AWS_CA_BUNDLE"}); !path.empty()) {
    auto pem = penstock::ReadFile(path, kMaxCaBytes);
    if (!pem) return Invalid("AWS_CA_BUNDLE: " + pem.error().message);
    bucket.ca_pem = *std::move(pem);
  }
  auto url = net::ParseUrl(EndpointOf(bucket));
  if (!url) return Invalid("AWS_ENDPOINT_URL: " + url.error().message);
  PENSTOCK_ASSIGN(bucket.proxy, net::ProxyFromEnvironment(*url, settings.environment));
  SourceAsker asker;
  PENSTOCK_ASSIGN(auto keys, KeysOf(settings, bucket, asker.anonymous));
  PENSTOCK_ASSIGN(asker.client, Client::Make(std::move(bucket), std::move(keys), kSystemClock));
  return asker;
}

Error Explained(Error error, bool anonymous) {
  if (error.kind == ErrorKind::kForbidden && anonymous) {
    error.message +=
        "; it was asked without keys: the step's env has neither AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, which a Secret may give, nor a role (AWS_ROLE_ARN)";
  }
  return error;
}

Result<std::vector<SourceObject>> FetchSource(const SourceUri& uri, const fs::path& target,
                                              const SourceSettings& settings) {
  return Reader(uri, settings).Read(target);
}

std::string FingerprintOf(const SourceUri& uri, const std::vector<SourceObject>& objects) {
  Sha256 hash;
  for (const auto& object : objects) {
    auto print = HttpFingerprint(object.version, object.etag, std::to_string(object.size));
    if (!uri.folder || print.empty()) return print;
    hash.Update(object.key + '\0' + print + '\0');
  }
  return "objects:" + hash.HexDigest();
}

}  // namespace penstock::s3
