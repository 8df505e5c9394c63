#include "operator/fetch/source.h"

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
#include "operator/protocol/task.h"

namespace penstock::fetch {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostReaders = 8;  // objects of a folder at a time
constexpr int kPage = 1000;

// Reads one source.
class Reader {
 public:
  Reader(SourceStore& store, std::string key, const SourceSettings& settings)
      : store_(store), key_(std::move(key)), settings_(settings) {}

  Result<std::vector<SourceObject>> ReadFile(const fs::path& target) {
    auto read = ReadObject(key_, "", target);
    if (read) return std::vector<SourceObject>{*std::move(read)};
    return OfOneObject(read.error());
  }

  Result<SourceObject> Stream(const Sink& sink) {
    auto read = Read(key_, "", sink);
    if (!read) return OfOneObject(read.error());
    return read;
  }

  Result<std::vector<SourceObject>> ReadFolder(const fs::path& target) {
    PENSTOCK_ASSIGN(auto objects, ListAll());
    PENSTOCK_TRY(ReadInto(objects, target));
    return objects;
  }

  Result<void> ReadInto(std::vector<SourceObject>& objects, const fs::path& target) {
    std::error_code error;
    fs::create_directories(target, error);
    if (error) return FromErrno(target.string(), error.value());
    for (const auto& object : objects) {
      fs::create_directories((target / object.key.substr(key_.size())).parent_path(), error);
      if (error)
        return Invalid(store_.Name(object.key) + ": its folder is another object's name; " +
                       error.message());
    }
    return ReadAll(objects, target);
  }

  // Each can be a file, and all together are not too large.
  [[nodiscard]] Result<void> Check(const std::vector<SourceObject>& objects) const {
    std::uint64_t bytes = 0;
    for (const auto& object : objects) {
      PENSTOCK_TRY(CheckName(object.key));
      if ((bytes += object.size) > settings_.max_bytes) return TooLarge();
    }
    return {};
  }

 private:
  // What was asked for as an object may be a folder.
  [[nodiscard]] Error OfOneObject(Error error) const {
    if (error.kind != ErrorKind::kNotFound) return error;
    const auto page = store_.List(key_ + "/", "", 1, settings_.stop);
    if (page && !page->objects.empty())
      error.message += "; there are objects below it: " + store_.Name(key_ + "/") +
                       " is all of them as a folder";
    return error;
  }

  Result<SourceObject> ReadObject(const std::string& key, const std::string& etag,
                                  const fs::path& target) {
    errno = 0;
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    auto info = Read(key, etag, [&](std::string_view piece) -> Result<void> {
      out.write(piece.data(), std::streamsize(piece.size()));
      return out.good() ? Result<void>() : FromErrno("writing " + target.string(), Reason());
    });
    if (!info) return info.error();
    out.close();
    if (out.fail()) return FromErrno("writing " + target.string(), Reason());
    return info;
  }

  // Whole, and within the bound of all.
  Result<SourceObject> Read(const std::string& key, const std::string& etag, const Sink& sink) {
    std::uint64_t bytes = 0;
    const auto take = [&](std::string_view piece) -> Result<void> {
      bytes += piece.size();
      if ((all_bytes_ += piece.size()) > settings_.max_bytes) return TooLarge();
      return sink(piece);
    };
    auto info = store_.Get(key, etag, take, settings_.stop);
    if (!info) return info.error();
    if (bytes != info->size) {
      return Transient(store_.Name(key) + ": " + std::to_string(bytes) + " of " +
                       std::to_string(info->size) + " bytes came");
    }
    return info;
  }

  static int Reason() { return errno != 0 ? errno : EIO; }

  [[nodiscard]] Error TooLarge() const {
    return Invalid(store_.Name(key_) + ": more than maxBytes, " +
                   std::to_string(settings_.max_bytes));
  }

  // The objects below the prefix, by key, each of which can be a file.
  Result<std::vector<SourceObject>> ListAll() {
    std::vector<SourceObject> objects;
    std::uint64_t bytes = 0;
    std::string token;
    const auto end = std::chrono::steady_clock::now() + settings_.list_deadline;
    do {
      if (!token.empty() && std::chrono::steady_clock::now() > end)
        return Transient(store_.Name(key_) + ": its list has no end within " +
                         FormatDuration(settings_.list_deadline));
      PENSTOCK_ASSIGN(const auto page, ListPage(store_, key_, token, settings_));
      for (const auto& listed : page.objects) {
        PENSTOCK_TRY(CheckName(listed.key));
        objects.push_back(listed);
        bytes += listed.size;
      }
      if (objects.size() > kMostObjects)
        return Invalid(store_.Name(key_) + ": more than 100000 objects; name a folder within it");
      if (bytes > settings_.max_bytes) return TooLarge();
      token = page.next;
    } while (!token.empty());
    if (objects.empty()) {
      return NotFound(store_.Name(key_) + ": there is no object whose key begins so");
    }
    // Buckets but those of directories are listed so; the rest of us relies on it.
    std::sort(objects.begin(), objects.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return objects;
  }

  // What a key has behind the prefix, as a path within the folder.
  [[nodiscard]] Result<void> CheckName(const std::string& key) const {
    const std::string rest = key.substr(key_.size());
    if (settings_.flat && rest.starts_with("_delta_log/")) {
      return Invalid(store_.Name(key_) + ": is a Delta table, some of whose files may hold " +
                     "rows of its past: read it as delta+" + store_.Name(key_));
    }
    if (settings_.flat && rest.find('/') != std::string::npos) {
      return Invalid(store_.Name(key) +
                     ": a folder within the folder; partitions by folder are "
                     "not read: name one of them");
    }
    std::size_t begin = 0;
    while (begin <= rest.size()) {
      const std::size_t end = std::min(rest.find('/', begin), rest.size());
      const std::string part = rest.substr(begin, end - begin);
      if (part.empty() || part == "." || part == ".." || part.size() > 255 ||
          part.find('\0') != std::string::npos) {
        return Invalid(store_.Name(key) + ": its key cannot be the name of a file");
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
        auto read = ReadObject(object.key, object.etag, target / object.key.substr(key_.size()));
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

  SourceStore& store_;
  const std::string key_;
  const SourceSettings& settings_;
  std::atomic<std::uint64_t> all_bytes_{0};
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string VariableOf(const SourceSettings& settings, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = settings.environment.find(name);
    if (found != settings.environment.end() && !found->second.empty()) return found->second;
  }
  return "";
}

Result<SourceStore::Page> ListPage(SourceStore& store, const std::string& prefix,
                                   const std::string& token, const SourceSettings& settings) {
  PENSTOCK_ASSIGN(auto page, store.List(prefix, token, kPage, settings.stop));
  std::erase_if(page.objects, [&](const SourceObject& o) {
    return o.key.ends_with('/') || !o.key.starts_with(prefix);
  });
  for (SourceObject& object : page.objects) {
    object.version.clear();
    // Some stores list it without the quotes that it has in a header.
    if (!object.etag.empty() && !object.etag.starts_with('"'))
      object.etag = '"' + object.etag + '"';
  }
  return page;
}

Result<std::vector<SourceObject>> ReadSource(SourceStore& store, const std::string& key,
                                             bool folder, const fs::path& target,
                                             const SourceSettings& settings) {
  Reader reader(store, key, settings);
  return folder ? reader.ReadFolder(target) : reader.ReadFile(target);
}

Result<SourceObject> StreamSource(SourceStore& store, const std::string& key, const Sink& sink,
                                  const SourceSettings& settings) {
  return Reader(store, key, settings).Stream(sink);
}

Result<void> ReadListed(SourceStore& store, const std::string& prefix,
                        std::vector<SourceObject>& objects, const fs::path& target,
                        const SourceSettings& settings) {
  Reader reader(store, prefix, settings);
  PENSTOCK_TRY(reader.Check(objects));
  return reader.ReadInto(objects, target);
}

std::string FingerprintOf(bool folder, const std::vector<SourceObject>& objects) {
  Sha256 hash;
  for (const auto& object : objects) {
    auto print = HttpFingerprint(object.version, object.etag, std::to_string(object.size));
    if (!folder || print.empty()) return print;
    hash.Update(object.key + '\0' + print + '\0');
  }
  return "objects:" + hash.HexDigest();
}

std::string KeyOfUri(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                       HexDigit(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

}  // namespace penstock::fetch
