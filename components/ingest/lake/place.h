// Where a table lies: the files below its folder, in a bucket or on this machine. Blocks; used by
// one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace penstock::ingest {

struct PlaceEntry {
  std::string name;  // within its folder
  std::uint64_t bytes = 0;
};

// A file of a table on this machine; one that was fetched is removed with the object.
class PlaceFile {
 public:
  PlaceFile(std::filesystem::path path, bool temporary)
      : path_(std::move(path)), temporary_(temporary) {}
  ~PlaceFile();
  PlaceFile(PlaceFile&& other) noexcept;
  PlaceFile& operator=(PlaceFile&&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool temporary_;
};

// Paths are relative to the table's folder. NotFound where there is no such file.
class Place {
 public:
  // `uri`: s3://bucket/orders, by the variables of s3/source.h, or file:///lake/orders. Fetched
  // files lie in `scratch` (a folder that exists); all together above `max_bytes` is Invalid.
  [[nodiscard]] static Result<std::unique_ptr<Place>> Open(const std::string& uri,
                                                           const std::filesystem::path& scratch,
                                                           std::uint64_t max_bytes);
  virtual ~Place() = default;

  // The files of a folder, not those of folders within it; none where there is no such folder.
  [[nodiscard]] virtual Result<std::vector<PlaceEntry>> List(const std::string& folder) = 0;
  // TooLarge above `limit` bytes.
  [[nodiscard]] virtual Result<std::string> Text(const std::string& path, std::uint64_t limit) = 0;
  // `bytes`: as the table says; a file of another size is Invalid. -1: it does not say.
  [[nodiscard]] virtual Result<PlaceFile> Fetch(const std::string& path, std::int64_t bytes) = 0;

  // For people: "s3://bucket/orders/x".
  [[nodiscard]] std::string Name(const std::string& path) const { return root_ + "/" + path; }

  // The path of a file that the table names by a whole URI, where `location` is what it says its
  // folder is: a table that was copied still names where it was. Invalid for a file outside of the
  // table's folder: what a table names is not read by this step's keys from anywhere.
  [[nodiscard]] Result<std::string> Within(const std::string& uri,
                                           const std::string& location) const;
  // Invalid for a path that leaves the folder.
  [[nodiscard]] Result<std::string> Relative(const std::string& path) const;

 protected:
  explicit Place(std::string root) : root_(std::move(root)) {}
  const std::string root_;  // without a slash at its end
};

}  // namespace penstock::ingest
