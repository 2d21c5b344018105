/* replay: runs a fuzz target over every file of a corpus folder, and over each file cut at every
 * position up to 512 bytes. Used in plain `make check`; libFuzzer brings its own main instead. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned long runs;

static void run_exact(const uint8_t *data, size_t n)
{
    /* A heap copy of just this size: the sanitizer sees a read of one byte too many. */
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    runs++;
}

static void run_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < n && cut < 512; cut++)
        run_exact(bytes, cut);
    run_exact(bytes, n);
}

int main(int argc, char **argv)
{
    run_exact((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            fprintf(stderr, "no corpus at %s\n", argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d)) != NULL;) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            if (e->d_name[0] != '.')
                run_file(path);
        }
        closedir(d);
    }
    printf("%lu runs\n", runs);
    return 0;
}
