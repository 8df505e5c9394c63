// append IN OUT WORD: copies IN to OUT and adds a line. The whole content of an image without glibc or without a shell.
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  FILE* in = fopen(argv[1], "r");
  FILE* out = fopen(argv[2], "w");
  if (in == NULL || out == NULL) {
    perror(in == NULL ? argv[1] : argv[2]);
    return 1;
  }
  for (int c = fgetc(in); c != EOF; c = fgetc(in)) fputc(c, out);
  fprintf(out, "%s\n", argv[3]);
  return fclose(out) == 0 ? 0 : 1;
}
