/* folder: taking a test's folder away with the files in it. */
#ifndef TESTS_UNIT_DB_FOLDER_H
#define TESTS_UNIT_DB_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

static inline int folder_remove(const char *folder)
{
    char path[512];
    DIR *d = opendir(folder);
    for (const struct dirent *x = d ? readdir(d) : NULL; x; x = readdir(d)) {
        snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    return rmdir(folder);
}

#endif
