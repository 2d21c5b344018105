/* shared_page: a memfd, so that it can be handed through an exec. */
#include "proxyd/main/shared_page.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum err shared_page_open(int *fd, struct shared_page **out)
{
    struct stat st;
    if (*fd < 0) {
        *fd = memfd_create("proxyd", MFD_CLOEXEC);
        if (*fd < 0 || ftruncate(*fd, sizeof **out) != 0)
            return ERR_NOMEM;
    }
    if (fstat(*fd, &st) != 0 || st.st_size != (off_t)sizeof **out)
        return ERR_INVALID;
    void *p = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (p == MAP_FAILED)
        return ERR_NOMEM;
    *out = p;
    return OK;
}

void shared_page_close(struct shared_page *p)
{
    if (p)
        munmap(p, sizeof *p);
}
