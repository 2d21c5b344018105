/* fuzz_convert: an old configuration. Files are parted by lines "%% name"; what comes out must be a
 * document of ours in shape, with a name on every rule, whatever went in. */
#include <stdlib.h>

#include "base/must.h"
#include "convert/convert.h"

#define FILES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t part(struct str all, struct upload_file files[FILES_MAX])
{
    size_t count = 0;
    struct upload_cursor at = {all, 0};
    struct str line;
    while (count < FILES_MAX && upload_line(&at, &line)) {
        if (!str_starts(line, STR("%% ")))
            continue;
        size_t end = str_find_str(at.rest, STR("\n%% "));
        struct str body = end == STR_NPOS ? at.rest : str_sub(at.rest, 0, end + 1);
        files[count++] = (struct upload_file){str_sub(line, 3, line.n), body};
        at.rest = str_sub(at.rest, body.n, at.rest.n);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct upload_file files[FILES_MAX];
    struct upload u = {files, part(str_make(data, n), files)};
    enum convert_kind kind = CONVERT_AUTO;
    struct outcome o;
    size_t i;
    const json_t *r;
    outcome_init(&o);
    enum err e = convert_run(&u, &kind, &o);
    if (e == OK) {
        json_array_foreach(o.rules, i, r)
        {
            must(outcome_rule_id(r) && *outcome_rule_id(r));
            must(json_is_string(json_object_get(r, "name")));
        }
        char *text = json_dumps(o.document, JSON_COMPACT);
        must(text != NULL);
        free(text);
    }
    outcome_fini(&o);
    return 0;
}
