package demo

import (
	"fmt"
	"math/rand/v2"
)

// Habit is how the people of a site patch it.
type Habit int

const (
	// Prompt patches security releases within a day or two, the rest weekly.
	Prompt Habit = iota
	// Weekly patches everything once a week, on the Thursday after the advisories.
	Weekly
	// Monthly patches everything once a month.
	Monthly
	// SecurityOnly patches security releases within the week, and nothing else.
	SecurityOnly
	// Neglected was patched once in the middle of its history, and never again.
	Neglected
)

// Site is one site of the demo fleet.
type Site struct {
	Name        string
	URL         string
	Environment string
	CoreMajor   int // 7, 10 or 11
	Habit       Habit
	Projects    int      // contributed projects on the site
	Custom      []string // machine names of its own modules
	// Silent sites stopped reporting some days before now.
	Silent bool
	// Waiting sites were added but have never reported.
	Waiting bool
	// Checkout sites run one project from a git checkout, without a version.
	Checkout bool
}

// customers are invented; every address is in a domain reserved for examples.
var customers = []struct{ name, host string }{
	{"Harbour City Council", "harbour-city"}, {"Northlight University", "northlight-uni"},
	{"Museum of Tides", "museum-of-tides"}, {"Elm Street Clinic", "elm-street-clinic"},
	{"Fjord Ferries", "fjord-ferries"}, {"Bluebell Books", "bluebell-books"},
	{"Ministry of Bridges", "ministry-of-bridges"}, {"Oakfield Schools", "oakfield-schools"},
	{"Sandstone Bank", "sandstone-bank"}, {"Lantern Theatre", "lantern-theatre"},
	{"Greenway Rail", "greenway-rail"}, {"Polar Research Trust", "polar-research"},
	{"Saffron Kitchen", "saffron-kitchen"}, {"Cedar Housing", "cedar-housing"},
	{"Windmill Energy", "windmill-energy"}, {"Compass Insurance", "compass-insurance"},
	{"Riverside Hospital", "riverside-hospital"}, {"Granite Climbing", "granite-climbing"},
	{"Meadow Broadcasting", "meadow-broadcasting"}, {"Juniper Law", "juniper-law"},
	{"Orchard Foods", "orchard-foods"}, {"Seaview Tourism", "seaview-tourism"},
	{"Thistle Whisky", "thistle-whisky"}, {"Birchwood Library", "birchwood-library"},
	{"Copper Mine Heritage", "copper-mine"}, {"Starling Airlines", "starling-airlines"},
	{"Maple Film Festival", "maple-film"}, {"Pebble Software", "pebble-software"},
	{"Quarry Theatre School", "quarry-school"}, {"Hazel Veterinary", "hazel-vet"},
	{"Kingfisher Outdoors", "kingfisher"}, {"Limestone Architects", "limestone"},
	{"Ivy Gardens", "ivy-gardens"}, {"Otter Rescue", "otter-rescue"},
	{"Amber Jewellers", "amber-jewellers"}, {"Falcon Logistics", "falcon-logistics"},
	{"Rowan Charity", "rowan-charity"}, {"Mistral Sailing Club", "mistral-sailing"},
	{"Clover Dairy", "clover-dairy"}, {"Beacon Youth Centre", "beacon-youth"},
	{"Slate Roofing", "slate-roofing"}, {"Willow Publishing", "willow-publishing"},
}

// Fleet returns the demo's sites, the same at every call: most customers with
// one production site, some with a staging site and one or two sub-sites.
func Fleet() []Site {
	dice := rand.New(rand.NewPCG(60, 2026))
	habits := []Habit{Prompt, Prompt, Weekly, Weekly, Weekly, Monthly, Monthly, SecurityOnly, Neglected}
	var sites []Site
	for i, customer := range customers {
		site := Site{
			Name: customer.name, URL: "https://www." + customer.host + ".example", Environment: "production",
			CoreMajor: 11, Habit: habits[dice.IntN(len(habits))], Projects: 18 + dice.IntN(75),
			Custom: []string{fmt.Sprintf("%s_site", machineName(customer.host))},
		}
		if dice.IntN(3) == 0 {
			site.CoreMajor = 10
		}
		if dice.IntN(2) == 0 {
			site.Custom = append(site.Custom, machineName(customer.host)+"_migrate")
		}
		switch i {
		case 24, 34:
			site.CoreMajor, site.Habit, site.Projects = 7, Neglected, 4
		case 12, 30:
			site.Silent = true
		case 27:
			site.Checkout = true
		case 40:
			site.Waiting = true
		}
		sites = append(sites, site)
		switch {
		case i%4 == 1:
			staging := site
			staging.Name, staging.URL = customer.name+" (staging)", "https://staging."+customer.host+".example"
			staging.Environment, staging.Habit = "staging", Weekly
			sites = append(sites, staging)
		case i%5 == 3:
			intranet := site
			intranet.Name, intranet.URL = customer.name+" Intranet", "https://intranet."+customer.host+".example"
			intranet.Projects, intranet.Habit = 15+dice.IntN(30), habits[dice.IntN(len(habits))]
			sites = append(sites, intranet)
		}
	}
	return sites
}

func machineName(host string) string {
	name := []byte(host)
	for i, c := range name {
		if c == '-' {
			name[i] = '_'
		}
	}
	return string(name)
}
