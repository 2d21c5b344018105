/* deploy_text: see deploy_text.h. */
#include "pac/deploy_text.h"

#define MANDATORY                                                                                  \
    " Mandatory: a browser that cannot get the file reaches nothing, instead of going direct."
#define WPAD_WARNING                                                                               \
    " Prefer an https PAC address by policy; whoever answers for wpad controls all traffic. Have " \
    "wpad in every search suffix of your clients. The listener for it is [pac] listen = "          \
    "0.0.0.0:80."

static const struct deploy_text texts[] = {
    {{"windows-gpo", "Windows: group policy for Chrome, Edge and the system", "proxy-gpo.ps1",
      "text/plain",
      "Run on a domain controller, then link the group policy object to the computers." MANDATORY},
     DEPLOY_POWERSHELL,
     "Import-Module GroupPolicy\r\n"
     "$gpo = 'Web proxy'\r\n"
     "New-GPO -Name $gpo | Out-Null\r\n"
     "$proxy = "
     "'{\"ProxyMode\":\"pac_script\",\"ProxyPacUrl\":\"@URL@\",\"ProxyPacMandatory\":true}'\r\n"
     "Set-GPRegistryValue -Name $gpo -Key 'HKLM\\SOFTWARE\\Policies\\Google\\Chrome' "
     "-ValueName 'ProxySettings' -Type String -Value $proxy\r\n"
     "Set-GPRegistryValue -Name $gpo -Key 'HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge' "
     "-ValueName 'ProxySettings' -Type String -Value $proxy\r\n"
     "# One setting for the whole machine, services included\r\n"
     "$is = 'Microsoft\\Windows\\CurrentVersion\\Internet Settings'\r\n"
     "Set-GPRegistryValue -Name $gpo -Key \"HKLM\\SOFTWARE\\Policies\\$is\" "
     "-ValueName 'ProxySettingsPerUser' -Type DWord -Value 0\r\n"
     "Set-GPRegistryValue -Name $gpo -Key \"HKLM\\SOFTWARE\\$is\" "
     "-ValueName 'AutoConfigURL' -Type String -Value '@URL@'\r\n"
     "# No automatic detection\r\n"
     "Set-GPRegistryValue -Name $gpo -Key \"HKLM\\SOFTWARE\\$is\\WinHttp\" "
     "-ValueName 'DisableWpad' -Type DWord -Value 1\r\n"},
    {{"chrome-registry", "Chrome and Edge: registry file", "proxy-browsers.reg", "text/plain",
      "For machines outside a domain: import with administrator rights." MANDATORY},
     DEPLOY_REG_JSON,
     "Windows Registry Editor Version 5.00\r\n\r\n"
     "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome]\r\n"
     "\"ProxySettings\"=\"{\\\"ProxyMode\\\":\\\"pac_script\\\",\\\"ProxyPacUrl\\\":\\\"@URL@\\\","
     "\\\"ProxyPacMandatory\\\":true}\"\r\n\r\n"
     "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Edge]\r\n"
     "\"ProxySettings\"=\"{\\\"ProxyMode\\\":\\\"pac_script\\\",\\\"ProxyPacUrl\\\":\\\"@URL@\\\","
     "\\\"ProxyPacMandatory\\\":true}\"\r\n"},
    {{"chrome-json", "Chrome, Chromium and Edge on Linux: managed policy", "proxy.json",
      "application/json",
      "Put it into /etc/opt/chrome/policies/managed/, /etc/chromium/policies/managed/ or "
      "/etc/opt/edge/policies/managed/." MANDATORY},
     DEPLOY_JSON,
     "{\n  \"ProxySettings\": {\n    \"ProxyMode\": \"pac_script\",\n"
     "    \"ProxyPacUrl\": \"@URL@\",\n    \"ProxyPacMandatory\": true\n  }\n}\n"},
    {{"windows-registry", "Windows system and programs: registry file", "proxy-system.reg",
      "text/plain",
      "Sets the address for the whole machine and switches automatic detection off. Windows goes "
      "direct when it cannot get the file."},
     DEPLOY_QUOTED,
     "Windows Registry Editor Version 5.00\r\n\r\n"
     "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet "
     "Settings]\r\n\"ProxySettingsPerUser\"=dword:00000000\r\n\r\n"
     "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\r\n"
     "\"AutoConfigURL\"=\"@URL@\"\r\n\r\n"
     "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet "
     "Settings\\WinHttp]\r\n\"DisableWpad\"=dword:00000001\r\n"},
    {{"winhttp", "Windows services (WinHTTP)", "proxy-winhttp.cmd", "text/plain",
      "Run as administrator. Needs a Windows whose netsh knows advproxy; raw WinHTTP programs use "
      "only the first proxy of an answer."},
     DEPLOY_CMD_JSON,
     "netsh winhttp set advproxy setting-scope=machine "
     "settings=\"{\\\"AutoconfigUrl\\\":\\\"@URL@\\\",\\\"AutoDetect\\\":false}\"\r\n"
     "netsh winhttp show advproxy\r\n"},
    {{"intune", "Microsoft Intune: custom profile", "proxy-intune.json", "application/json",
      "The body of a device configuration for the Graph API, or the three OMA-URI rows to type "
      "into "
      "a custom Windows profile. Roll the inspection CA out by a trusted certificate profile."},
     DEPLOY_JSON,
     "{\n  \"@@odata.type\": \"#microsoft.graph.windows10CustomConfiguration\",\n"
     "  \"displayName\": \"Web proxy\",\n  \"omaSettings\": [\n"
     "    {\"@@odata.type\": \"#microsoft.graph.omaSettingString\", \"displayName\": \"PAC "
     "address\",\n"
     "     \"omaUri\": \"./Vendor/MSFT/NetworkProxy/SetupScriptUrl\", \"value\": \"@URL@\"},\n"
     "    {\"@@odata.type\": \"#microsoft.graph.omaSettingInteger\", \"displayName\": \"No "
     "detection\",\n"
     "     \"omaUri\": \"./Vendor/MSFT/NetworkProxy/AutoDetect\", \"value\": 0},\n"
     "    {\"@@odata.type\": \"#microsoft.graph.omaSettingInteger\", \"displayName\": \"For all "
     "users\",\n"
     "     \"omaUri\": \"./Vendor/MSFT/NetworkProxy/ProxySettingsPerUser\", \"value\": 0}\n  "
     "]\n}\n"},
    {{"firefox", "Firefox: policies.json", "policies.json", "application/json",
      "Linux: /etc/firefox/policies/; Windows and macOS: the distribution folder of the program. "
      "Firefox goes direct while it cannot get the file."},
     DEPLOY_JSON,
     "{\n  \"policies\": {\n    \"Proxy\": {\n      \"Mode\": \"autoConfig\",\n"
     "      \"AutoConfigURL\": \"@URL@\",\n      \"Locked\": true\n    },\n"
     "    \"Certificates\": {\"ImportEnterpriseRoots\": true}\n  }\n}\n"},
    {{"apple", "macOS and iOS: configuration profile", "proxy.mobileconfig",
      "application/x-apple-aspen-config",
      "iOS devices must be supervised; one global proxy profile per device. Sign it before rolling "
      "it out where your device management asks for that."},
     DEPLOY_XML,
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
     "<plist version=\"1.0\">\n<dict>\n"
     "  <key>PayloadContent</key>\n  <array>\n    <dict>\n"
     "      <key>PayloadType</key><string>com.apple.proxy.http.global</string>\n"
     "      <key>PayloadVersion</key><integer>1</integer>\n"
     "      <key>PayloadIdentifier</key><string>proxyd.pac.global</string>\n"
     "      <key>PayloadUUID</key><string>@UUID1@</string>\n"
     "      <key>PayloadDisplayName</key><string>Web proxy</string>\n"
     "      <key>ProxyType</key><string>Auto</string>\n"
     "      <key>ProxyPACURL</key><string>@URL@</string>\n"
     "      <key>ProxyPACFallbackAllowed</key><false/>\n"
     "      <key>ProxyCaptiveLoginAllowed</key><true/>\n"
     "    </dict>\n  </array>\n"
     "  <key>PayloadType</key><string>Configuration</string>\n"
     "  <key>PayloadVersion</key><integer>1</integer>\n"
     "  <key>PayloadIdentifier</key><string>proxyd.pac</string>\n"
     "  <key>PayloadUUID</key><string>@UUID2@</string>\n"
     "  <key>PayloadDisplayName</key><string>Web proxy</string>\n"
     "  <key>PayloadScope</key><string>System</string>\n"
     "</dict>\n</plist>\n"},
    {{"gnome", "GNOME: for all users of a machine", "proxy-gnome.sh", "text/x-shellscript",
      "Run as root. Writes the settings into the system database and locks them."},
     DEPLOY_SHELL,
     "#!/bin/sh\nset -eu\nmkdir -p /etc/dconf/profile /etc/dconf/db/local.d/locks\n"
     "[ -e /etc/dconf/profile/user ] || printf 'user-db:user\\nsystem-db:local\\n' "
     ">/etc/dconf/profile/user\n"
     "url='@URL@'\n"
     "printf \"[system/proxy]\\nmode='auto'\\nautoconfig-url='%s'\\n\" \"$url\" "
     ">/etc/dconf/db/local.d/90-proxy\n"
     "printf '/system/proxy/mode\\n/system/proxy/autoconfig-url\\n' "
     ">/etc/dconf/db/local.d/locks/90-proxy\n"
     "dconf update\n"},
    {{"networkmanager", "NetworkManager", "proxy-networkmanager.sh", "text/x-shellscript",
      "Sets the address on every saved connection; run as root."},
     DEPLOY_SHELL,
     "#!/bin/sh\nset -eu\nnmcli -g UUID connection show | while read -r id; do\n"
     "    nmcli connection modify \"$id\" proxy.method auto proxy.pac-url '@URL@'\ndone\n"},
    {{"environment", "Command-line programs: environment", "proxy.sh", "text/x-shellscript",
      "Put it into /etc/profile.d/. These programs do not read PAC files: the first proxy stands "
      "here, and at most 200 direct names."},
     DEPLOY_SHELL,
     "http_proxy='@PROXY@'\nhttps_proxy=\"$http_proxy\"\nno_proxy='@NOPROXY@'\n"
     "HTTP_PROXY=\"$http_proxy\"\nHTTPS_PROXY=\"$http_proxy\"\nNO_PROXY=\"$no_proxy\"\n"
     "export http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY\n"},
    {{"dhcp-isc", "DHCP option 252: ISC dhcpd", "dhcpd-wpad.conf", "text/plain",
      "For dhcpd.conf." WPAD_WARNING},
     DEPLOY_QUOTED,
     "option wpad code 252 = text;\noption wpad \"@WPAD@\";\n"},
    {{"dhcp-kea", "DHCP option 252: Kea", "kea-wpad.json", "application/json",
      "To be merged into the Dhcp4 section." WPAD_WARNING},
     DEPLOY_JSON,
     "{\n  \"Dhcp4\": {\n    \"option-def\": [\n"
     "      {\"name\": \"wpad\", \"code\": 252, \"type\": \"string\", \"space\": \"dhcp4\"}\n    "
     "],\n"
     "    \"option-data\": [\n      {\"name\": \"wpad\", \"space\": \"dhcp4\", \"data\": "
     "\"@WPAD@\"}\n"
     "    ]\n  }\n}\n"},
    {{"dhcp-dnsmasq", "DHCP option 252 and DNS: dnsmasq", "dnsmasq-wpad.conf", "text/plain",
      "For /etc/dnsmasq.d/." WPAD_WARNING},
     DEPLOY_QUOTED,
     "dhcp-option=252,\"@WPAD@\"\naddress=/wpad.@DOMAIN@/@ADDRESS@\n"},
    {{"dhcp-windows", "DHCP option 252: Windows DHCP server", "dhcp-wpad.ps1", "text/plain",
      "Run on the DHCP server." WPAD_WARNING},
     DEPLOY_POWERSHELL,
     "Add-DhcpServerv4OptionDefinition -Name 'WPAD' -OptionId 252 -Type String "
     "-Description 'Proxy auto-configuration'\r\n"
     "Set-DhcpServerv4OptionValue -OptionId 252 -Value '@WPAD@'\r\n"},
    {{"dns-bind", "DNS record wpad: BIND and others", "wpad.zone", "text/plain",
      "A line for the zone of each search suffix. Where WPAD is not used, point it at an address "
      "that answers nothing (192.0.2.1), so that no one else can take the name." WPAD_WARNING},
     DEPLOY_QUOTED,
     "; zone @DOMAIN@\nwpad 300 IN A @ADDRESS@\n"},
    {{"dns-windows", "DNS record wpad: Windows DNS server", "dns-wpad.ps1", "text/plain",
      "Windows DNS servers do not answer for wpad until it leaves their global query block list; "
      "do this on each of them." WPAD_WARNING},
     DEPLOY_POWERSHELL,
     "Add-DnsServerResourceRecordA -ZoneName '@DOMAIN@' -Name 'wpad' -IPv4Address '@ADDRESS@' "
     "-TimeToLive 00:05:00\r\n"
     "# The block list holds wpad and isatap as delivered: keep all but wpad\r\n"
     "$list = (Get-DnsServerGlobalQueryBlockList).List | Where-Object { $_ -ne 'wpad' }\r\n"
     "if ($list) { Set-DnsServerGlobalQueryBlockList -List $list } "
     "else { Set-DnsServerGlobalQueryBlockList -Enable $false }\r\n"
     "Restart-Service DNS\r\n"},
};

const struct deploy_text *deploy_text_at(size_t i)
{
    return i < sizeof texts / sizeof *texts ? &texts[i] : NULL;
}
