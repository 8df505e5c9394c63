// serve-sample-model mlp|layers|columns|image|touchy FOLDER: writes a sample model, to try the
// server or measure it.
#include <cstdio>
#include <exception>
#include <string>

#include "components/model/testing/sample_model.h"

int main(int argc, char** argv) {
  const std::string kind = argc == 3 ? argv[1] : "";
  try {
    if (kind == "mlp") {
      penstock::model::WriteMlp(argv[2]);
    } else if (kind == "layers") {
      penstock::model::WriteLayerMlp(argv[2]);
    } else if (kind == "columns") {
      penstock::model::WriteColumns(argv[2]);
    } else if (kind == "image") {
      penstock::model::WriteImage(argv[2]);
    } else if (kind == "touchy") {
      penstock::model::WriteTouchy(argv[2]);
    } else {
      std::fprintf(stderr, "usage: serve-sample-model mlp|layers|columns|image|touchy FOLDER\n");
      return 2;
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "serve-sample-model: %s\n", e.what());
    return 1;
  }
  return 0;
}
