/* presets: the documents, as compact text; the tests prove that each compiles and passes its own
 * tests. */
#include "adminui/presets.h"

#include "adminui/reply.h"

static const struct preset presets[] = {
    {"open", "Open",
     "Everything is allowed but the sites you put on a list. A good start to look around.",
     "{\"comment\":\"Everything is allowed but the list of blocked sites.\",\"ide"
     "ntity\":\"when-needed\",\"default\":{\"action\":\"allow\"},\"schedules\":[],\"list"
     "s\":[{\"name\":\"blocked-sites\",\"kind\":\"domains\",\"entries\":[\"blocked.examp"
     "le\"]},{\"name\":\"always-allowed\",\"kind\":\"domains\",\"entries\":[\"always.exa"
     "mple\"]}],\"rules\":[{\"id\":\"always-allowed\",\"name\":\"Always allowed\",\"enab"
     "led\":true,\"shadow\":false,\"when\":{\"lists\":[\"always-allowed\"]},\"unless\":"
     "{},\"action\":\"allow\",\"owner\":\"\",\"comment\":\"Exceptions from everything b"
     "elow.\",\"expires_at\":null},{\"id\":\"blocked-sites\",\"name\":\"Blocked sites\""
     ",\"enabled\":true,\"shadow\":false,\"when\":{\"lists\":[\"blocked-sites\"]},\"unl"
     "ess\":{},\"action\":\"block\",\"message\":\"This site is blocked by your organ"
     "isation.\",\"owner\":\"\",\"comment\":\"Add names to the list \\\"blocked-sites\\"
     "\".\",\"expires_at\":null}],\"tests\":[{\"name\":\"the example is blocked\",\"url"
     "\":\"http://blocked.example/\",\"expect\":\"block\"},{\"name\":\"other sites are"
     " open\",\"url\":\"http://www.example.com/\",\"expect\":\"allow\"}]}",
     2},
    {"careful", "Careful",
     "As open, and tunnels only to the usual ports; a rule for large downloads in working hours "
     "stands ready.",
     "{\"comment\":\"Usual ports only, blocked sites, a time rule to switch on."
     "\",\"identity\":\"when-needed\",\"default\":{\"action\":\"allow\"},\"schedules\":[{"
     "\"name\":\"work-hours\",\"zone\":\"Europe/Berlin\",\"windows\":[{\"days\":[\"mon\",\""
     "tue\",\"wed\",\"thu\",\"fri\"],\"from\":\"08:00\",\"to\":\"18:00\"}]}],\"lists\":[{\"nam"
     "e\":\"blocked-sites\",\"kind\":\"domains\",\"entries\":[\"blocked.example\"]},{\"n"
     "ame\":\"always-allowed\",\"kind\":\"domains\",\"entries\":[\"always.example\"]}],"
     "\"rules\":[{\"id\":\"always-allowed\",\"name\":\"Always allowed\",\"enabled\":true"
     ",\"shadow\":false,\"when\":{\"lists\":[\"always-allowed\"]},\"unless\":{},\"actio"
     "n\":\"allow\",\"owner\":\"\",\"comment\":\"Exceptions from everything below.\",\"e"
     "xpires_at\":null},{\"id\":\"odd-ports\",\"name\":\"Only usual ports for tunnel"
     "s\",\"enabled\":true,\"shadow\":false,\"when\":{\"schemes\":[\"connect\"]},\"unles"
     "s\":{\"ports\":[443,563,8443]},\"action\":\"block\",\"message\":\"Tunnels to thi"
     "s port are not allowed.\",\"owner\":\"\",\"comment\":\"\",\"expires_at\":null},{\""
     "id\":\"blocked-sites\",\"name\":\"Blocked sites\",\"enabled\":true,\"shadow\":fal"
     "se,\"when\":{\"lists\":[\"blocked-sites\"]},\"unless\":{},\"action\":\"block\",\"me"
     "ssage\":\"This site is blocked by your organisation.\",\"owner\":\"\",\"commen"
     "t\":\"Add names to the list \\\"blocked-sites\\\".\",\"expires_at\":null},{\"id\""
     ":\"no-large-downloads\",\"name\":\"No downloads above 2 GB at work hours\",\""
     "enabled\":false,\"shadow\":false,\"when\":{\"schedules\":[\"work-hours\"],\"min_"
     "bytes\":2000000000},\"unless\":{},\"action\":\"block\",\"message\":\"Large downl"
     "oads are possible outside working hours.\",\"owner\":\"\",\"comment\":\"\",\"exp"
     "ires_at\":null}],\"tests\":[{\"name\":\"the example is blocked\",\"url\":\"http:"
     "//blocked.example/\",\"expect\":\"block\"},{\"name\":\"other sites are open\",\""
     "url\":\"http://www.example.com/\",\"expect\":\"allow\"},{\"name\":\"odd tunnels "
     "are closed\",\"url\":\"www.example.com:22\",\"expect\":\"block\"}]}",
     4},
    {"named", "Everybody logs in",
     "As open, and every request carries a name: reports by user from the first day.",
     "{\"comment\":\"As \\\"open\\\", and everybody is asked who they are.\",\"identi"
     "ty\":\"always\",\"default\":{\"action\":\"allow\"},\"schedules\":[],\"lists\":[{\"na"
     "me\":\"blocked-sites\",\"kind\":\"domains\",\"entries\":[\"blocked.example\"]},{\""
     "name\":\"always-allowed\",\"kind\":\"domains\",\"entries\":[\"always.example\"]}]"
     ",\"rules\":[{\"id\":\"always-allowed\",\"name\":\"Always allowed\",\"enabled\":tru"
     "e,\"shadow\":false,\"when\":{\"lists\":[\"always-allowed\"]},\"unless\":{},\"acti"
     "on\":\"allow\",\"owner\":\"\",\"comment\":\"Exceptions from everything below.\",\""
     "expires_at\":null},{\"id\":\"blocked-sites\",\"name\":\"Blocked sites\",\"enable"
     "d\":true,\"shadow\":false,\"when\":{\"lists\":[\"blocked-sites\"]},\"unless\":{},"
     "\"action\":\"block\",\"message\":\"This site is blocked by your organisation."
     "\",\"owner\":\"\",\"comment\":\"Add names to the list \\\"blocked-sites\\\".\",\"exp"
     "ires_at\":null}],\"tests\":[{\"name\":\"the example is blocked\",\"url\":\"http:"
     "//blocked.example/\",\"expect\":\"block\"},{\"name\":\"other sites are open\",\""
     "url\":\"http://www.example.com/\",\"expect\":\"allow\"}]}",
     2},
    {"locked", "Locked", "Only what is on the list of allowed sites: kiosks, production machines.",
     "{\"comment\":\"Nothing but what is on the list of allowed sites.\",\"identi"
     "ty\":\"when-needed\",\"default\":{\"action\":\"block\",\"message\":\"Only sites on"
     " the list of allowed sites are open.\"},\"schedules\":[],\"lists\":[{\"name\""
     ":\"always-allowed\",\"kind\":\"domains\",\"entries\":[\"debian.org\",\"always.exa"
     "mple\"]}],\"rules\":[{\"id\":\"always-allowed\",\"name\":\"Always allowed\",\"enab"
     "led\":true,\"shadow\":false,\"when\":{\"lists\":[\"always-allowed\"]},\"unless\":"
     "{},\"action\":\"allow\",\"owner\":\"\",\"comment\":\"Exceptions from everything b"
     "elow.\",\"expires_at\":null}],\"tests\":[{\"name\":\"what is listed is open\",\""
     "url\":\"http://www.debian.org/\",\"expect\":\"allow\"},{\"name\":\"the rest is c"
     "losed\",\"url\":\"http://www.example.com/\",\"expect\":\"block\"}]}",
     1},
};
#define N_PRESETS (sizeof presets / sizeof *presets)

const struct preset *presets_at(size_t i)
{
    return i < N_PRESETS ? &presets[i] : NULL;
}

const struct preset *presets_named(struct str name)
{
    for (size_t i = 0; i < N_PRESETS; i++)
        if (str_eq(name, str_of(presets[i].name)))
            return &presets[i];
    return NULL;
}

void presets_list(struct call *c)
{
    json_t *items = json_array();
    for (size_t i = 0; i < N_PRESETS; i++) {
        const struct preset *p = &presets[i];
        json_array_append_new(items, json_pack("{s:s,s:s,s:s,s:o}", "name", p->name, "title",
                                               p->title, "description", p->description, "document",
                                               json_loads(p->document, 0, NULL)));
    }
    reply_json(c, 200, json_pack("{s:o}", "items", items));
}
