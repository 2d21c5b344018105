/* costly_patterns: patterns whose cost grows without bound on the right text, each with that text:
 * prefix, a pump that is repeated, suffix. Kinds known from textbooks and from advisories, in our
 * own spelling. For test_pattern_check and test_pattern_code. */
#ifndef TESTS_COSTLY_PATTERNS_H
#define TESTS_COSTLY_PATTERNS_H

struct costly_pattern {
    const char *pattern, *prefix, *pump, *suffix;
};

static const struct costly_pattern costly_patterns[] = {
    /* a repeat inside a repeat */
    {"(a+)+$", "", "a", "!"},
    {"^(a+)+b", "", "a", "!b"},
    {"(a*)*b$", "", "a", "!b!"},
    {"([a-zA-Z]+)*$", "", "q", "!"},
    {"^(([a-z])+.)+[A-Z]([a-z])+$", "", "a", "!"},
    {"(x+x+)+y", "", "x", "!y"},
    {"(\\w+\\s?)*$", "", "a", "!"},
    {"^(\\d+)*$", "", "1", "x"},
    {"^(\\w+[-.]?)+@", "", "a", "!@"},
    {"^https?://(\\w+\\.?)+/x$", "http://", "a", "!/x!"},
    {"((a+)b?)+c", "", "a", "!c"},
    {"(?:[^/]+/?)+\\.exe$", "", "a", ".exe!"},
    {"^([a-z0-9]+[-_]?)+=[0-9]+$", "", "a", "!=1"},
    {"(([a-z]+)+\\.)+[a-z]{2,4}$", "", "a", "!.!"},
    {"(.*)*x$", "", "a", "\nx!"},
    {"(.+)+\\d$", "", "a", "!"},
    {"^(.*,)*end$", "", "a,", "end!"},
    {"(\\S+\\s*)+z$", "", "a", "z!"},
    {"^((ab)*)+$", "", "ab", "!"},
    {"^(([a-z]+)*)*#$", "", "a", "!#!"},
    {"([^=&]+&?)+=$", "", "a", "&&=!"},
    {"^(?:/?[a-z0-9-]+)+\\.php$", "", "a", "!.php!"},
    {"^(a{1,}){1,}$", "", "a", "!"},
    {"^(?:a+){2,}$", "", "a", "!"},
    /* alternatives that overlap, repeated */
    {"(a|aa)+$", "", "a", "!"},
    {"(a|a?)+$", "", "a", "!"},
    {"^(a|a|b)*$", "", "a", "!"},
    {"^(\\d|[0-9a-f])+$", "", "1", "!"},
    {"^(\\w|-|[a-z])*\\.com$", "", "a", "!.com!"},
    {"^(?:.|\\.)*z$", "", ".", "\nz!"},
    {"^(?:ab|a|b)+$", "", "ab", "!"},
    {"^([a-z]|[a-m]x?)+/$", "", "a", "!/!"},
    {"^(%[0-9a-f]{2}|.)*;$", "", "%41", "\n;!"},
    {"^(foo|fo|o)+$", "", "foo", "!"},
    {"^(\\s|\\t| )*x$", "", " ", "!x!"},
    /* mail addresses, host names, URLs, query strings, numbers */
    {"^([a-z0-9])(([-.]|[_]+)?([a-z0-9]+))*@([a-z0-9])+$", "", "a", "!@a"},
    {"^[a-z]+([-.']?[a-z]+)*@example\\.com$", "", "a", "!.com!"},
    {"^(https?://)?([\\w-]+\\.?)+(/[-\\w./?%&=]*)?$", "http://", "a", "!"},
    {"^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\\.?)*$", "", "a", "!"},
    {"^(?:(?:[?&]?[a-z]+(?:=[a-z]*)?)+)+#$", "", "a", "!#!"},
    {"^((\\d{1,3}),?)+$", "", "1", "x"},
    {"^([0-9]+(e|E)?[0-9]*)+$", "", "1", "x"},
    {"^(\"[^\"]*\"|[^\"]+)*$", "", "a", "\""},
    {"^\\s*(\\w+\\s*=\\s*\\w*\\s*;?\\s*)+$", "", "a=a", "!"},
    /* polynomials: one star beside another that takes the same bytes */
    {".*a.*b.*c.*d.*e$", "", "abcd", "e!"},
    {"^.*\\d.*\\d.*\\d.*\\d.*x$", "", "1", "x!"},
    {"\\d+\\d+\\d+\\d+x", "", "1", "!x"},
    {"(\\w+)=(\\w*)(\\w*)(\\w*)(\\w*);", "a=", "a", "!;"},
    {"[a-z]*[a-z0-9]*[a-z]*[0-9a-z]*!$", "", "a", "?!?"},
    {"^\\S*\\s*\\S*\\s*\\S*\\s*\\S*#$", "", "a", "#!"},
    {"/.*/.*/.*/.*/.*\\.swf$", "", "/a", ".swf!"},
    {"a.*b?a.*b?a.*b?a.*z$", "", "a", "z!"},
    {"\\?.*&?.*=?.*&?.*\\.jsp$", "?", "&=", ".jsp!"},
    {"(.*){9}#", "", "a", "\n#"},
    {"[^?]*[^#]*[^!]*\\$$", "", "a", "$/"},
};

#define N_COSTLY (sizeof costly_patterns / sizeof costly_patterns[0])

#endif
