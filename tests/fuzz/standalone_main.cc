// Runs a fuzz target without libFuzzer: mutates the files it is given, again and again.
//   fuzz-watch [-runs=N] [-seed=N] FILE_OR_FOLDER...
// What crashes it is written to ./crash-input by a signal handler.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

const std::string* current = nullptr;

extern "C" void OnCrash(int signal) {
  const int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd >= 0 && current != nullptr) {
    if (write(fd, current->data(), current->size()) < 0) _exit(2);
    close(fd);
  }
  std::signal(signal, SIG_DFL);
  raise(signal);
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::vector<std::string> kWords = {"9223372036854775807",
                                         "-1",
                                         "1e999",
                                         "null",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         "\"data\":",
                                         "\"shape\":",
                                         ",",
                                         "\r\n\r\n",
                                         std::string(1, '\0'),
                                         "\xff\xff\xff\xff",
                                         "\\ud800"};

using Random = std::mt19937_64;

void Mutate(const std::vector<std::string>& seeds, Random& random, std::string* input) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  const std::size_t at = below(input->size() + 1);
  switch (random() % 6) {
    case 0:
      if (at < input->size()) (*input)[at] = static_cast<char>(random());
      break;
    case 1:
      input->erase(at, 1 + below(16));
      break;
    case 2:
      input->insert(at, kWords[below(kWords.size())]);
      break;
    case 3:
      input->insert(at, input->substr(below(input->size()), below(64)));
      break;
    case 4: {
      const std::string& other = seeds[below(seeds.size())];
      input->replace(at, below(64), other.substr(below(other.size()), below(64)));
      break;
    }
    default:
      input->resize(at);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t runs = 100'000;
  std::uint64_t seed = 1;
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("-runs=")) {
      runs = std::stoull(argument.substr(6));
    } else if (argument.starts_with("-seed=")) {
      seed = std::stoull(argument.substr(6));
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument))
        seeds.push_back(ReadFile(entry.path()));
    } else {
      seeds.push_back(ReadFile(argument));
    }
  }
  if (seeds.empty()) seeds.emplace_back();
  for (int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL}) std::signal(signal, OnCrash);
  Random random(seed);
  for (std::uint64_t run = 0; run < runs; ++run) {
    std::string input = seeds[run % seeds.size()];
    for (std::uint64_t m = run < seeds.size() ? 0 : 1 + random() % 8; m > 0; --m)
      Mutate(seeds, random, &input);
    current = &input;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
  std::printf("%llu runs, no crash\n", static_cast<unsigned long long>(runs));
  return 0;
}
