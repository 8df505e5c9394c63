// Fits the learner `linear` on a matrix of another program's, as the bench `tables` compares it.
// usage: linear_fit MATRIX LABELS ROWS FEATURES PENALTY COEFFICIENTS
//   MATRIX, LABELS   float32, row-major, and float64, of this machine's byte order
// Prints {"wall", "cpu"} in seconds, of the fit alone; writes the coefficients and the intercept as
// float64.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

#include "components/train/learner.h"

namespace {

template <typename T>
bool ReadNumbers(const char* path, T* to, std::size_t count) {
  std::ifstream in(path, std::ios::binary);
  return bool(in.read(reinterpret_cast<char*>(to), std::streamsize(count * sizeof(T))));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace penstock;  // NOLINT
  if (argc != 7) {
    std::fputs("usage: linear_fit MATRIX LABELS ROWS FEATURES PENALTY COEFFICIENTS\n", stderr);
    return 2;
  }
  const std::size_t rows = std::stoul(argv[3]);
  const std::size_t width = std::stoul(argv[4]);
  sdk::FloatMatrix x{rows, width, std::make_unique<float[]>(rows * width)};
  std::vector<double> y(rows);
  if (!ReadNumbers(argv[1], x.data.get(), rows * width) || !ReadNumbers(argv[2], y.data(), rows)) {
    std::fputs("linear_fit: a file is missing or too short\n", stderr);
    return 1;
  }
  train::Context context;
  context.target.classes = 2;
  const auto learner = train::MakeLinear({std::stod(argv[5])});
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  const auto fitted =
      learner->Fit({&x, y, {}}, {{"penalty", std::stod(argv[5])}}, std::nullopt, context);
  const double used = double(std::clock() - cpu) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  if (!fitted) {
    std::fprintf(stderr, "linear_fit: %s\n", fitted.error().message.c_str());
    return 1;
  }
  const Json said = (*fitted)->Describe();
  std::vector<double> coefficients(width + 1);
  for (const Json& own : said["coefficients"]) {
    coefficients[std::stoul(own["feature"].get<std::string>())] = own["coefficient"];
  }
  coefficients[width] = said["intercept"];
  std::ofstream out(argv[6], std::ios::binary);
  out.write(reinterpret_cast<const char*>(coefficients.data()),
            std::streamsize(coefficients.size() * sizeof(double)));
  std::printf("{\"wall\": %.6f, \"cpu\": %.6f, \"iterations\": %d, \"converged\": %s}\n",
              wall.count(), used, said["iterations"].get<int>(),
              said["converged"].get<bool>() ? "true" : "false");
  return out.flush() ? 0 : 1;
}
