// One commit of a repository, fetched by the program git into a folder of this process's own, and
// its files written out. What is fetched is hostile: no link of it is followed, no filter, hook or
// configuration of it is run, and it is bounded while it comes.
//
// A folder of the repository is looked up among the commit's own objects, never in a file system,
// so that nothing can lead out of it. Blocks on the network; one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "components/git/credentials.h"
#include "operator/base/result.h"
#include "operator/os/command.h"
#include "operator/protocol/git_source.h"

namespace penstock::git {

struct Bounds {
  std::uint64_t bytes = 256 << 20;  // of what is fetched, and of the folder's files
  std::size_t files = 100'000;      // of the folder
};

struct Folder {
  std::string tree;  // its object
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> submodules;  // left out
};

class Repository {
 public:
  // `scratch`: an empty folder, for the repository.
  Repository(std::filesystem::path scratch, Bounds bounds)
      : scratch_(std::move(scratch)), bounds_(bounds) {}

  // Fetches the source's revision alone, with the login's help. Invalid hands on git's last words.
  [[nodiscard]] Result<void> Fetch(const GitSource& source, const Credentials& credentials);

  // Of what was fetched: the id of the commit.
  [[nodiscard]] Result<std::string> Commit() const;

  // The folder `path` of the commit (empty: all of it). Invalid where it is none, or a link leads
  // to it or lies in it, or it is too large: nothing has been written then.
  [[nodiscard]] Result<Folder> Find(const std::string& commit, const std::string& path) const;

  // Writes the folder's files into `to`, which is made.
  [[nodiscard]] Result<void> Write(const Folder& folder, const std::filesystem::path& to) const;

 private:
  struct Words {
    std::vector<std::string> arguments;
    std::filesystem::path directory{};
    Login login{};
    bool as_user = false;  // with the configuration and agents of whoever runs this
    int output = -1;       // where stdout goes; below 0: into CommandEnd
  };
  [[nodiscard]] Result<CommandEnd> Run(const Words& words) const;
  // Its stdout; Invalid with its last words.
  [[nodiscard]] Result<std::string> Ask(const Words& words) const;
  [[nodiscard]] Result<std::string> TreeOf(const std::string& commit,
                                           const std::string& path) const;
  [[nodiscard]] Result<std::string> List(const std::string& tree, const std::string& what) const;
  [[nodiscard]] Error TooLarge(const std::string& what) const;
  [[nodiscard]] Error TooManyFiles(const std::string& what) const;
  [[nodiscard]] bool MetTheBound() const;

  std::filesystem::path scratch_;
  Bounds bounds_;
};

}  // namespace penstock::git
