/* mapfile: map a file, replace a file. */
#include "base/mapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum err mapfile_open(struct mapfile *m, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        close(fd);
        return ERR_CORRUPT;
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    int why = errno;
    close(fd);
    if (p == MAP_FAILED)
        return err_from_errno(why);
    *m = (struct mapfile){p, (size_t)st.st_size};
    return OK;
}

void mapfile_close(struct mapfile *m)
{
    if (m->p)
        munmap(m->p, m->n);
    *m = (struct mapfile){0};
}

static enum err write_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return fsync(fd) == 0 ? OK : err_from_errno(errno);
}

enum err mapfile_replace(const char *path, struct str bytes, unsigned mode)
{
    char tmp[4096];
    int n = snprintf(tmp, sizeof tmp, "%s.%ld.tmp", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof tmp)
        return ERR_LIMIT;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_from_errno(errno);
    enum err e = write_all(fd, bytes);
    if (close(fd) != 0 && e == OK)
        e = err_from_errno(errno);
    if (e == OK && rename(tmp, path) != 0)
        e = err_from_errno(errno);
    if (e != OK)
        unlink(tmp);
    return e;
}
